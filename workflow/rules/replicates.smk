"""Replicates: what is measured of the run's model, measured of a control on the same sequences.

Each rule is that of the run's model with other inputs and outputs. The replicate stands in the place of the fine-tuned
model. Figures are drawn of the run's model alone.
"""


rule copy_recorded:
    input:
        sequences="<results>/activations/sequences.tsv",
    output:
        sequences="<results>/replicates/{replicate}/activations/sequences.tsv",
    log:
        "<logs>/replicates/{replicate}/copy_recorded.log",
    conda:
        "../../envs/genomes.yaml"
    params:
        library=code_of("copy_recorded"),
    message:
        "Copying the choice of recorded sequences to {wildcards.replicate}"
    script:
        "../scripts/copy_recorded.py"


use rule record_activations as record_replicate with:
    input:
        sequences="<results>/replicates/{replicate}/activations/sequences.tsv",
        test="<results>/dataset/test.arrow",
        model="<results>/model/{replicate}",
    output:
        shard=temp(
            directory("<results>/replicates/{replicate}/activations/shards/{shard}")
        ),
    log:
        "<logs>/replicates/{replicate}/record_{shard}.log",
    benchmark:
        "<benchmarks>/replicates/{replicate}/record_{shard}.tsv"


use rule gather_activations as gather_replicate with:
    input:
        shards=expand(
            "<results>/replicates/{{replicate}}/activations/shards/{shard}",
            shard=ACTIVATION_SHARDS,
        ),
        sequences="<results>/replicates/{replicate}/activations/sequences.tsv",
        test="<results>/dataset/test.arrow",
    output:
        cls="<results>/replicates/{replicate}/activations/cls.npy",
        hidden_states="<results>/replicates/{replicate}/activations/hidden_states.npy",
        tokens="<results>/replicates/{replicate}/activations/tokens.npy",
        attention="<results>/replicates/{replicate}/activations/attention_mean.npz",
    log:
        "<logs>/replicates/{replicate}/gather_activations.log",
    benchmark:
        "<benchmarks>/replicates/{replicate}/gather_activations.tsv"


use rule attention_positions as attention_positions_of_replicate with:
    input:
        model="<results>/model/{replicate}",
        sequences="<results>/replicates/{replicate}/activations/sequences.tsv",
        hidden_states="<results>/replicates/{replicate}/activations/hidden_states.npy",
        tokens="<results>/replicates/{replicate}/activations/tokens.npy",
        reference="<results>/reference/genome.fasta",
        spikes="<results>/spikes/spikes.parquet",
        splits="<results>/dataset/splits.parquet",
        domains=lookup("reference/domains", within=config),
        definitions=DEFINITIONS,
    output:
        table="<results>/replicates/{replicate}/geometry/attention_positions.tsv",
        findings="<results>/replicates/{replicate}/geometry/attention_positions/findings.tsv",
        positions="<results>/replicates/{replicate}/geometry/attention_positions/positions.tsv",
        profiles="<results>/replicates/{replicate}/geometry/attention_positions/profiles.parquet",
    log:
        "<logs>/replicates/{replicate}/attention_positions.log",
    benchmark:
        "<benchmarks>/replicates/{replicate}/attention_positions.tsv"


use rule attention_roles as attention_roles_of_replicate with:
    input:
        model="<results>/model/{replicate}",
        sequences="<results>/replicates/{replicate}/activations/sequences.tsv",
        hidden_states="<results>/replicates/{replicate}/activations/hidden_states.npy",
        tokens="<results>/replicates/{replicate}/activations/tokens.npy",
    output:
        table="<results>/replicates/{replicate}/geometry/attention_roles.tsv",
        sequences="<results>/replicates/{replicate}/geometry/attention_roles/sequences.parquet",
        findings="<results>/replicates/{replicate}/geometry/attention_roles/findings.tsv",
    log:
        "<logs>/replicates/{replicate}/attention_roles.log",
    benchmark:
        "<benchmarks>/replicates/{replicate}/attention_roles.tsv"


use rule attributions as attributions_of_replicate with:
    input:
        model="<results>/model/{replicate}",
        sequences="<results>/replicates/{replicate}/activations/sequences.tsv",
        hidden_states="<results>/replicates/{replicate}/activations/hidden_states.npy",
        tokens="<results>/replicates/{replicate}/activations/tokens.npy",
        vocabulary="<results>/dataset/vocabulary.txt",
        reference="<results>/reference/genome.fasta",
        definitions=DEFINITIONS,
    output:
        table="<results>/replicates/{replicate}/geometry/attributions.tsv",
        findings="<results>/replicates/{replicate}/geometry/attributions/findings.tsv",
        sequences="<results>/replicates/{replicate}/geometry/attributions/sequences.parquet",
        tokens="<results>/replicates/{replicate}/geometry/attributions/tokens.parquet",
    log:
        "<logs>/replicates/{replicate}/attributions.log",
    benchmark:
        "<benchmarks>/replicates/{replicate}/attributions.tsv"


use rule context_similarity as context_similarity_of_replicate with:
    input:
        model="<results>/model/{replicate}",
        vocabulary="<results>/dataset/vocabulary.txt",
        sequences="<results>/replicates/{replicate}/activations/sequences.tsv",
        hidden_states="<results>/replicates/{replicate}/activations/hidden_states.npy",
        tokens="<results>/replicates/{replicate}/activations/tokens.npy",
        domains=lookup("reference/domains", within=config),
    output:
        table="<results>/replicates/{replicate}/geometry/context_similarity.tsv",
        distances="<results>/replicates/{replicate}/geometry/context_similarity/distances.tsv",
        anchors="<results>/replicates/{replicate}/geometry/context_similarity/anchors.tsv",
        findings="<results>/replicates/{replicate}/geometry/context_similarity/findings.tsv",
        maps="<results>/replicates/{replicate}/geometry/context_similarity/maps.npz",
        sequences="<results>/replicates/{replicate}/geometry/context_similarity/sequences.parquet",
    log:
        "<logs>/replicates/{replicate}/context_similarity.log",
    benchmark:
        "<benchmarks>/replicates/{replicate}/context_similarity.tsv"


use rule isotropy as isotropy_of_replicate with:
    input:
        model="<results>/model/{replicate}",
        sequences="<results>/replicates/{replicate}/activations/sequences.tsv",
        hidden_states="<results>/replicates/{replicate}/activations/hidden_states.npy",
        tokens="<results>/replicates/{replicate}/activations/tokens.npy",
    output:
        table="<results>/replicates/{replicate}/geometry/isotropy.tsv",
        agreement="<results>/replicates/{replicate}/geometry/isotropy/agreement.tsv",
        findings="<results>/replicates/{replicate}/geometry/isotropy/findings.tsv",
        sequences="<results>/replicates/{replicate}/geometry/isotropy/sequences.parquet",
    log:
        "<logs>/replicates/{replicate}/isotropy.log",
    benchmark:
        "<benchmarks>/replicates/{replicate}/isotropy.tsv"


use rule attention_shift as attention_shift_of_replicate with:
    input:
        models=[
            (
                "<results>/model/{replicate}"
                if model == "finetuned"
                else f"<results>/model/{model}"
            )
            for model in COMPARED
        ],
        sequences="<results>/replicates/{replicate}/activations/sequences.tsv",
        hidden_states="<results>/replicates/{replicate}/activations/hidden_states.npy",
        tokens="<results>/replicates/{replicate}/activations/tokens.npy",
    output:
        table="<results>/replicates/{replicate}/geometry/attention_shift.tsv",
        attention="<results>/replicates/{replicate}/geometry/attention_shift/attention.tsv",
        sequences="<results>/replicates/{replicate}/geometry/attention_shift/sequences.parquet",
        findings="<results>/replicates/{replicate}/geometry/attention_shift/findings.tsv",
    log:
        "<logs>/replicates/{replicate}/attention_shift.log",
    benchmark:
        "<benchmarks>/replicates/{replicate}/attention_shift.tsv"


use rule head_ablation as head_ablation_of_replicate with:
    input:
        model="<results>/model/{replicate}",
        train="<results>/dataset/train.arrow",
        validation="<results>/dataset/validation.arrow",
        test="<results>/dataset/test.arrow",
    output:
        table="<results>/replicates/{replicate}/geometry/head_ablation.tsv",
        findings="<results>/replicates/{replicate}/geometry/head_ablation/findings.tsv",
        importance="<results>/replicates/{replicate}/geometry/head_ablation/importance.tsv",
        curve="<results>/replicates/{replicate}/geometry/head_ablation/curve.tsv",
        sequences="<results>/replicates/{replicate}/geometry/head_ablation/sequences.parquet",
    log:
        "<logs>/replicates/{replicate}/head_ablation.log",
    benchmark:
        "<benchmarks>/replicates/{replicate}/head_ablation.tsv"


use rule layer_probes as layer_probes_of_replicate with:
    input:
        model="<results>/model/{replicate}",
        train="<results>/dataset/train.arrow",
        validation="<results>/dataset/validation.arrow",
        sets=collect("<results>/dataset/{set}.arrow", set=PROBED),
        references=[
            path.replace("{set}", name).replace("finetuned", "{replicate}")
            for name in PROBED
            for path in WHOLE_MODELS.values()
        ],
    output:
        table="<results>/replicates/{replicate}/geometry/layer_probes.tsv",
        penalties="<results>/replicates/{replicate}/geometry/layer_probes/penalties.tsv",
        findings="<results>/replicates/{replicate}/geometry/layer_probes/findings.tsv",
    log:
        "<logs>/replicates/{replicate}/layer_probes.log",
    benchmark:
        "<benchmarks>/replicates/{replicate}/layer_probes.tsv"
