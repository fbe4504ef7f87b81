"""The class read out of every block: linear probes, and the classifier's head fitted anew."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.tables.probes import COLUMNS, findings, probe_table
from spikegeometry.dataset.encoding import open_split
from spikegeometry.evaluation.baselines import INVERSE_PENALTIES
from spikegeometry.geometry.layer_probes import HeadProbe, LinearProbe, Vectors, fit_head, fit_linear
from spikegeometry.logs import progress
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.data import sampled_rows
from spikegeometry.model.features import sequence_features
from spikegeometry.stats.findings import findings_table


def by_set(sets: Sequence[str], models: Sequence[str], paths: Sequence[str]) -> dict[str, dict[str, str]]:
    """Paths of predictions, in the order of the models within that of the sets, by set and model."""
    each = iter(paths)
    return {name: {model: next(each) for model in models} for name in sets}


def measure(
    model: str,
    train: str,
    validation: str,
    sets: dict[str, str],
    references: dict[str, dict[str, str]],
    classes: list[str],
    sequences_per_class: int,
    evaluated_per_class: int,
    batch_size: int,
    bootstrap: int,
    confidence: float,
    device: torch.device,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Accuracy of probes of [CLS] and of mean k-mers after every block; block 0 is the embeddings.

    Probes are fitted on the training split; their penalty, and when the head's training stops, on the validation split.

    Parameters
    ----------
    model: folder. train, validation: encoded splits. sets: encoded sets to evaluate on, by name.
    references: for each set, Parquet of the predictions of whole models, by name.
    classes: names in the order of the outputs.
    sequences_per_class, evaluated_per_class: distinct sequences that are drawn to fit and to evaluate.
    batch_size, device: of the model. bootstrap: samples.

    Returns
    -------
    table: accuracy and log-loss by set, representation, probe and block, with intervals. penalties: inverse penalty of
    each linear probe. findings.
    """
    network = load_classifier(model, classes, device)
    columns = [f"p_{name}" for name in classes]

    def sample(path: str, most: int) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Distinct sequences, up to `most` of each class, and their features by representation."""
        rows, ids = sampled_rows(path, classes, most, seed)
        return rows, sequence_features(network, ids, batch_size)

    fitted = [sample(path, sequences_per_class) for path in (train, validation)]
    measured: dict[str, tuple[pd.DataFrame, dict[str, np.ndarray]]] = {}
    readouts: dict[str, dict[tuple[str, str, int | None], np.ndarray]] = {}
    for name, path in sets.items():
        if open_split(path)["label"].to_numpy().max(initial=-1) >= 0:  # else there are only `other` genomes
            measured[name] = rows, _ = sample(path, evaluated_per_class)
            wholes = {kind: pd.read_parquet(file)[columns] for kind, file in references[name].items()}
            readouts[name] = {
                ("whole", kind, None): whole.iloc[rows.index].to_numpy(float) for kind, whole in wholes.items()
            }
    penalties = []
    blocks = range(network.config.num_hidden_layers + 1)
    for block in progress(blocks, "blocks read out", len(blocks)):
        for site in ("cls", "kmers"):
            own, held = (Vectors(of[site][:, block], rows["label"].to_numpy(int)) for rows, of in fitted)
            linear = fit_linear(own, held, len(classes), INVERSE_PENALTIES)
            penalties.append((site, block, linear.penalty))
            probes: dict[str, LinearProbe | HeadProbe] = {"linear": linear}
            if site == "cls":
                probes["head"] = fit_head(own, held, len(classes), seed)
            for (name, (_, features)), (kind, probe) in product(measured.items(), probes.items()):
                readouts[name][site, kind, block] = probe.probabilities(features[site][:, block])

    intervals = (bootstrap, confidence, seed)
    tables = [probe_table(rows, readouts[name], *intervals).assign(set=name) for name, (rows, _) in measured.items()]
    table = pd.concat(tables)[COLUMNS]
    return {
        "table": table,
        "penalties": pd.DataFrame(penalties, columns=["representation", "block", "inverse_penalty"]),
        "findings": findings_table(findings(table)),
    }
