"""Compare the attention of every head of the fine-tuned model with that of the pre-trained one and of the controls."""

from pathlib import Path

from spikegeometry.evaluation import head_shift
from spikegeometry.evaluation.findings import findings_table
from spikegeometry.evaluation.summaries import class_means, labelled_sequences, measurement_table
from spikegeometry.geometry import attention_shift as geometry
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.encoder import hidden_states, load_encoder
from spikegeometry.model.runtime import prepare
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import write_parquet, write_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
device = prepare(params.device, params.threads)
folders = dict(zip(params.models, snakemake.input.models, strict=True))
shape = read_shape(folders["finetuned"])
weights = {model: read_layers(folder) for model, folder in folders.items()}
encoders = {model: load_encoder(folder, device) for model, folder in folders.items() if model != "finetuned"}
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
layers = choose(params.layers, range(1, shape.layers + 1), "analyses.attention_shift.layers")
heads = choose(params.heads, range(1, shape.heads + 1), "analyses.attention_shift.heads")
classes = choose(params.selected_classes, params.classes, "analyses.attention_shift.classes")
row_of = recorded.sequences.set_index("accession")["recorded"]
records = {"heads": [], "attention": [], "outputs": []}


def record(kind, place, found):
    # As lists: tensors that are kept among large ones which come and go would keep their memory from being used again.
    own = {name: values[[head - 1 for head in heads]].tolist() for name, values in found.items()}
    records[kind].append(place | {"head": heads} | own)


for sequence, hidden in labelled_sequences(recorded, classes):
    tokens, views = recorded.tokens[row_of[sequence["sequence"]], : hidden.shape[1]], {}
    states = {"finetuned": hidden} | {model: hidden_states(encoder, tokens) for model, encoder in encoders.items()}
    for layer in layers:
        for model, of_model in states.items():
            views[model] = geometry.view(of_model[layer - 1], weights[model][layer - 1], shape.heads)
            record("attention", sequence | {"model": model, "layer": layer}, geometry.destinations(views[model]))
        for model in encoders:
            found = geometry.compare(views["finetuned"], views[model])
            record("heads", sequence | {"against": model, "layer": layer}, found)
    for layer in [0, *layers]:
        cka = [geometry.alignment(hidden[layer], states[model][layer]) for model in encoders]
        records["outputs"].append(sequence | {"against": list(encoders), "layer": layer, "cka": cka})

compared, attention, outputs = map(measurement_table, records.values())
compared = compared.join(head_shift.matched_heads(compared, shape.heads))
write_parquet(compared, snakemake.output.sequences)
write_tsv(head_shift.shift_table(compared, outputs, classes, params.confidence), snakemake.output.table)
means = class_means(attention, classes, ["model", "layer", "head"], list(geometry.DESTINATIONS), params.confidence)
write_tsv(means, snakemake.output.attention)
findings = head_shift.shift_findings(compared, attention, shape.layers, params.confidence)
write_tsv(findings_table(findings), snakemake.output.findings)
