"""Read the class out of every block of the fine-tuned model: linear readouts, and the classifier's head fitted anew."""

from itertools import product

import pandas as pd

from spikegeometry.dataset.encoding import open_split
from spikegeometry.evaluation.baselines import INVERSE_PENALTIES
from spikegeometry.evaluation.findings import findings_table
from spikegeometry.evaluation.probes import COLUMNS, findings, probe_table
from spikegeometry.evaluation.separability import split_sample
from spikegeometry.geometry.layer_probes import Vectors, fit_head, fit_linear
from spikegeometry.logs import configure_logging, progress
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.data import EncodedRows
from spikegeometry.model.features import sequence_features
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
given, params, classes = snakemake.input, snakemake.params, list(snakemake.params.classes)
model = load_classifier(given.model, classes, prepare(params.device, params.threads))
columns = [f"p_{name}" for name in classes]


def sample(path, most):
    """Distinct sequences, up to `most` of each class, and their features by representation."""
    table = open_split(path)
    rows, encoded = split_sample(table, classes, most, params.seed), EncodedRows(table)
    return rows, sequence_features(model, [encoded[row] for row in rows.index], params.batch_size)


fitted = [sample(path, params.sequences_per_class) for path in (given.train, given.validation)]
measured, readouts, references = {}, {}, iter(given.references)
for name, path in zip(params.sets, given.sets, strict=True):
    predictions = {("whole", kind, None): next(references) for kind in params.references}
    if open_split(path)["label"].to_numpy().max(initial=-1) >= 0:  # else there are only `other` genomes
        measured[name] = rows, _ = sample(path, params.evaluated_per_class)
        wholes = {place: pd.read_parquet(file)[columns].iloc[rows.index] for place, file in predictions.items()}
        readouts[name] = {place: whole.to_numpy(float) for place, whole in wholes.items()}
penalties = []
for block in progress(range(model.config.num_hidden_layers + 1), "blocks read out"):
    for site in ("cls", "kmers"):
        train, validation = (Vectors(of[site][:, block], rows["label"].to_numpy(int)) for rows, of in fitted)
        probes = {"linear": fit_linear(train, validation, len(classes), INVERSE_PENALTIES)}
        penalties.append((site, block, probes["linear"].penalty))
        if site == "cls":
            probes["head"] = fit_head(train, validation, len(classes), params.seed)
        for (name, (_, features)), (kind, probe) in product(measured.items(), probes.items()):
            readouts[name][site, kind, block] = probe.probabilities(features[site][:, block])

intervals = (params.bootstrap, params.confidence, params.seed)
tables = [probe_table(rows, readouts[name], *intervals).assign(set=name) for name, (rows, _) in measured.items()]
table = pd.concat(tables)[COLUMNS]
write_tsv(table, snakemake.output.table)
write_tsv(pd.DataFrame(penalties, columns=["representation", "block", "inverse_penalty"]), snakemake.output.penalties)
write_tsv(findings_table(findings(table)), snakemake.output.findings)
