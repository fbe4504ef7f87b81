"""Switch off each head and each layer's attention, and then as many heads as the classifier can go without."""

from spikegeometry.dataset.encoding import open_split
from spikegeometry.evaluation import ablation, pruning
from spikegeometry.evaluation.findings import findings_table
from spikegeometry.geometry import head_ablation
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.batches import input_batches
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_parquet, write_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
device = prepare(params.device, params.threads)
network = head_ablation.Network(load_classifier(snakemake.input.model, params.classes, device).requires_grad_(False))
layers = choose(params.layers, range(1, len(network.layers) + 1), "analyses.head_ablation.layers")
heads = choose(params.heads, range(1, network.heads + 1), "analyses.head_ablation.heads")
classes = choose(params.selected_classes, params.classes, "analyses.head_ablation.classes")
how = ablation.Intervals(params.bootstrap, params.confidence, params.permutations, params.seed)
tables = {split: open_split(snakemake.input[split]) for split in ("train", "validation", "test")}
chosen = (classes, params.sequences_per_class, params.seed)
sequences = {split: ablation.sample_split(table, *chosen) for split, table in tables.items()}
distinct = {split: sample[sample["counts"]] for split, sample in sequences.items()}


def batches(split, sample, size=params.batch_size):
    return input_batches(tables[split], sample[split].index.to_numpy(), params.shards, size, device)


def measure(split, variants):
    logits = head_ablation.measure_logits(network, batches(split, sequences), variants, means)
    return ablation.outcomes(logits[:, sequences[split]["counts"]], distinct[split]["label"].to_numpy(), params.classes)


means = head_ablation.mean_outputs(network, batches("train", distinct)) if "mean" in params.modes else None
places = ablation.single_places(params.modes, layers, heads)
singles = [(place.variant, network.heads_at(place.layer, place.head)) for place in places.itertuples()]
of_heads = places[(places["site"] == "head") & (places["variant"] == params.modes[0])]

# What to go without is chosen on the validation split; the test split says what it costs.
small = batches("validation", distinct, max(1, params.batch_size // 4))  # gradients hold what every layer computes
gradients = head_ablation.measure_gradients(network, small, distinct["validation"]["label"].to_numpy())
validation = measure("validation", singles).of(slice(1, None))
effects = (gradients, of_heads, validation.log_probability[of_heads.index])
curve = pruning.pruning_curves(*effects, params.random_orders, params.steps, params.seed)
removed = list(dict.fromkeys(curve["gone"]))
test = measure("test", singles + [(params.modes[0], gone) for gone in removed])
before, after = test.of([0]), test.of(slice(1, 1 + len(singles)))
at_steps = test.of([1 + len(singles) + removed.index(gone) for gone in curve["gone"]])

table = ablation.change_table(places, before, after, how)
changes = (after.log_probability - before.log_probability)[of_heads.index]
write_tsv(table, snakemake.output.table)
findings = ablation.ablation_findings(table, places, validation, params.confidence)
write_tsv(findings_table(findings), snakemake.output.findings)
write_tsv(pruning.importance_table(gradients, of_heads, changes, how), snakemake.output.importance)
write_tsv(pruning.curve_table(curve, before, at_steps, how), snakemake.output.curve)
write_parquet(ablation.sequence_table(places, distinct["test"], after), snakemake.output.sequences)
