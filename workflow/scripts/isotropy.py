"""Measure how evenly the token vectors of every layer use the directions of their space."""

from pathlib import Path

import numpy as np
import torch

from spikegeometry.dataset.vocabulary import UNK
from spikegeometry.evaluation import isotropy_tables
from spikegeometry.evaluation.findings import findings_table
from spikegeometry.evaluation.summaries import ALL_CLASSES, distinct, labelled_sequences, measurement_table
from spikegeometry.geometry import isotropy
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging, progress
from spikegeometry.model.activations import Recorded
from spikegeometry.model.weights import read_shape
from spikegeometry.tables import write_parquet, write_tsv

configure_logging(snakemake.log[0])
params, output = snakemake.params, snakemake.output
torch.set_num_threads(snakemake.threads)
recorded = Recorded(Path(snakemake.input.hidden_states).parent)
last = read_shape(snakemake.input.model).layers
layers = [0, *choose(params.layers, range(1, last + 1), "analyses.isotropy.layers")]
classes = choose(params.selected_classes, params.classes, "analyses.isotropy.classes")
members = measurement_table(labels for labels, _ in distinct(labelled_sequences(recorded, classes)))
groups = {name: np.flatnonzero(members["class"] == name).tolist() for name in classes}
groups = {name: group for name, group in groups.items() if group}
groups[ALL_CLASSES] = members.drop_duplicates("input").index.tolist()
labels = members.to_dict("records")
places = recorded.sequences.set_index("accession").loc[members["sequence"]]
slots = [(row, slice(1, length - 1)) for row, length in zip(places["recorded"], places["length"], strict=True)]
ids = [recorded.tokens[slot].astype(np.int64) for slot in slots]
known = np.unique(np.concatenate(ids))
known = known[known != UNK]
kmers = [torch.from_numpy(np.where(one == UNK, -1, np.searchsorted(known, one))) for one in ids]
random = np.random.default_rng(params.seed)
orders = {name: random.permutation(group) for name, group in groups.items()}
different = {name: isotropy.different_tokens([kmers[one] for one in order]) for name, order in orders.items()}
sampled = {name: random.permutation(index)[: params.points] for name, index in different.items()}
records = {"pooled": [], "left_out": [], "within": []}
for layer in progress(layers, "layers", len(layers)):
    vectors = [torch.from_numpy(recorded.hidden_states[row, layer, places].copy()) for row, places in slots]
    for kind, name, member, found in isotropy.layer_isotropy(vectors, kmers, groups, ALL_CLASSES):
        place = labels[member] if kind == "within" else {"class": name, "input": member}
        if kind == "left_out":
            place |= {"member_class": labels[member]["class"]}
        if kind == "pooled":
            points = torch.cat([vectors[one] for one in orders[name]])[sampled[name]]
            found |= isotropy.point_statistics(points, len(different[name])) | {"n": len(groups[name])}
        records[kind].append(place | {"layer": layer} | found)

pooled, left_out, within = map(measurement_table, records.values())
agreement = isotropy_tables.agreement_table(within, params.confidence)
table = isotropy_tables.isotropy_table(pooled, left_out, within, classes, isotropy.STATISTICS, params.confidence)
findings = isotropy_tables.isotropy_findings(pooled, left_out, within, agreement, params.confidence)
write_tsv(table, output.table)
write_tsv(agreement, output.agreement)
write_tsv(findings_table(findings), output.findings)
write_parquet(within, output.sequences)
