"""Measure where the classes lie in the space of the classifier's [CLS] vectors."""

import torch

from spikegeometry.dataset.encoding import open_split
from spikegeometry.dataset.samples import split_sample
from spikegeometry.logs import configure_logging
from spikegeometry.model.class_space import fit_class_space, save_class_space
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.data import EncodedRows
from spikegeometry.model.features import sequence_features
from spikegeometry.model.runtime import prepare

configure_logging(snakemake.log[0])
given, params, classes = snakemake.input, snakemake.params, list(snakemake.params.classes)
model = load_classifier(given.model, classes, prepare(params.device, params.threads))
train = open_split(given.train)
rows, encoded = split_sample(train, classes, params.sequences_per_class, params.seed), EncodedRows(train)
features = sequence_features(model, [encoded[row] for row in rows.index], params.batch_size)
vectors = torch.from_numpy(features["cls"][:, -1].copy())
labels = torch.from_numpy(rows["class"].map(classes.index).to_numpy().copy())
save_class_space(fit_class_space(vectors, labels, params.neighbours), snakemake.output.space)
