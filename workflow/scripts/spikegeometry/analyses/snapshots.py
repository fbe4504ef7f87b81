"""What a network is like at the snapshots of its training: statistics by layer and head on one small sample."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses import isotropy
from spikegeometry.analyses.study import Study, open_study
from spikegeometry.dataset.encoding import open_split
from spikegeometry.evaluation.baselines import INVERSE_PENALTIES
from spikegeometry.geometry import clustering, readout, subspace_directionality
from spikegeometry.geometry.attention_entropy import normalised, row_entropy
from spikegeometry.geometry.attention_roles import role_labels, role_scores
from spikegeometry.geometry.cones import cone_index
from spikegeometry.geometry.heads import kmer_maps
from spikegeometry.geometry.layer_probes import Vectors, fit_linear
from spikegeometry.geometry.patterns import gate_scores
from spikegeometry.logs import progress
from spikegeometry.model.data import EncodedRows, sampled_rows
from spikegeometry.model.encoder import load_encoder, record_tokens
from spikegeometry.model.features import sequence_features
from spikegeometry.model.masked import has_masked_head, hide_kmers, load_masked_model, own_reading
from spikegeometry.model.weights import has_classifier, read_head
from spikegeometry.stats.summaries import ALL_CLASSES, class_means, label_shares, measurement_table
from spikegeometry.tables import read_tsv

COLUMNS = ["step", "kept", "class", "site", "layer", "head", "role", "statistic", "value", "n"]
ISOTROPY = ("mean_cosine", "isoscore", "id")
FORMS = ("symmetry", "directionality", "effective_rank")
OF_MAPS = ("sink", "vertical", "self", "diag", "bwd", "fwd", "cluster", "instance", "diffuse", "H_norm")


def measure(
    kept: str,
    snapshots: str,
    history: str,
    masked: str,
    sequences: str,
    train: str,
    validation: str,
    test: str,
    classes: list[str],
    sequences_per_class: int,
    evaluated_per_class: int,
    components: int,
    neighbours: int,
    points: int,
    mask_probability: float,
    mask_span: int,
    batch_size: int,
    confidence: float,
    device: torch.device,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Statistics of each snapshot of a training, and of the model that was kept of it.

    Parameters
    ----------
    kept: folder of the model. snapshots, history: folder of its snapshots and table of its training; empty for one that
    was not trained. masked: folder of the masked model whose head reads hidden k-mers where a snapshot has none.
    sequences: table of the activations. train, validation, test: encoded splits.
    classes: names in the order of outputs.
    sequences_per_class: recorded sequences of each class that attention and tokens are measured of, the first ones.
    evaluated_per_class: distinct ones of each class and split on which classes are told apart.
    components, neighbours: as of `clustering`. points: as of `isotropy`. mask_probability, mask_span: of hidden k-mers.
    batch_size, device: of the model.

    Returns
    -------
    table: COLUMNS; a row for each step, class (and ALL_CLASSES) and place. site: `cls` or `kmers` (their mean) where a
    sequence is one vector. role: of the shares of sequences in which a head has it. What a place lacks is missing.
    """
    encoded = EncodedRows(open_split(test))
    recorded = read_tsv(sequences).query("recorded >= 0").sort_values("recorded")
    recorded = recorded.groupby("class", sort=False).head(sequences_per_class)
    ids = [encoded[row] for row in recorded["index"]]
    splits = [sampled_rows(path, classes, evaluated_per_class, seed) for path in (train, validation, test)]
    found, models = [], _in_order(kept, snapshots, history)
    for step, is_kept, folder in progress(models, "snapshots measured", len(models)):
        encoder = load_encoder(folder, device)
        study = open_study(folder, record_tokens(encoder, ids, recorded), classes, confidence=confidence)
        tables = [
            *_of_sequences(study),
            _of_forms(study),
            isotropy.measure(study, points, seed)["table"].query("scope == 'pooled' and statistic in @ISOTROPY"),
            *_of_classes(encoder, folder, splits, classes, batch_size, components, neighbours, confidence),
            *_of_hidden_kmers(encoder, folder, masked, splits[-1], mask_probability, mask_span, batch_size, seed),
        ]
        found.append(pd.concat(tables).assign(step=step, kept=is_kept))
    return {"table": pd.concat(found).reindex(columns=COLUMNS).reset_index(drop=True)}


def _in_order(kept: str, snapshots: str, history: str) -> list[tuple[int, bool, Path]]:
    """Step, whether it is the model that was kept, and folder, in the order of the steps."""
    step = 0
    if history:
        steps = read_tsv(history).query("kept == 'yes'")["step"]
        step = int(steps.iloc[0]) if len(steps) else 0
    folders = sorted(Path(snapshots).glob("step-*")) if snapshots else []
    of_steps = {int(folder.name.partition("-")[2]): (False, folder) for folder in folders}
    return [(number, *of) for number, of in sorted((of_steps | {step: (True, Path(kept))}).items())]


def _of_sequences(study: Study) -> Iterator[pd.DataFrame]:
    """Cone and norm of the tokens after each block (0: the embeddings), and what the attention of each head is like."""
    of_layers, of_heads = [], []
    for sequence, hidden in study.sequences():
        of_layers.append(
            sequence
            | {"layer": range(len(hidden)), "R": cone_index(hidden).R}
            | {"norm": torch.linalg.vector_norm(hidden, dim=-1).mean(dim=-1)}
        )
        for layer in study.layers:
            among_kmers, mass = kmer_maps(study.maps(hidden, layer))
            scores = gate_scores(among_kmers)
            entropy = normalised(row_entropy(among_kmers).double().nanmean(dim=-1), among_kmers.shape[-1])
            place = {"layer": layer, "head": study.heads, "role": role_labels(role_scores(scores))}
            of_heads.append(sequence | place | scores | {"sink": 1 - mass.mean(dim=-1), "H_norm": entropy})
    classes, confidence = study.classes, study.confidence
    yield class_means(measurement_table(of_layers), classes, ["layer"], ["R", "norm"], confidence)
    heads = measurement_table(of_heads)
    yield class_means(heads, classes, ["layer", "head"], list(OF_MAPS), confidence)
    yield label_shares(heads, classes, ["layer", "head"], "role", confidence)


def _of_forms(study: Study) -> pd.DataFrame:
    """Scores of the query-key form of each head."""
    records = []
    for layer in study.layers:
        form = subspace_directionality.head_forms(study.weights[layer - 1], study.shape.heads, study.heads)
        scores = subspace_directionality.scores(form, subspace_directionality.spectra(form), 1)
        records.append({"layer": layer, "head": study.heads} | {name: scores[name] for name in FORMS})
    return measurement_table(records).melt(["layer", "head"], var_name="statistic").assign(**{"class": ALL_CLASSES})


def _of_classes(
    encoder: Any,
    folder: Path,
    splits: list[tuple[pd.DataFrame, list[np.ndarray]]],
    classes: list[str],
    batch_size: int,
    components: int,
    neighbours: int,
    confidence: float,
) -> Iterator[pd.DataFrame]:
    """How the classes of the test split lie apart after each block, what a linear probe reads, and the classifier.

    `splits`: training, validation and test, as `sampled_rows` gives them.
    """
    features = [sequence_features(encoder, ids, batch_size) for _, ids in splits]
    numbers = [rows["label"].to_numpy(int) for rows, _ in splits]
    rows, labels, test = splits[-1][0], numbers[-1], features[-1]
    place = {"class": rows["class"], "input": rows["input"]}
    records = []
    for site in test:
        for block in range(test[site].shape[1]):
            own, held, _ = (Vectors(of[site][:, block], n) for of, n in zip(features, numbers, strict=True))
            probe = fit_linear(own, held, len(classes), INVERSE_PENALTIES)
            read = probe.probabilities(test[site][:, block]).argmax(axis=1)
            scores = clustering.principal_components(clustering.standardise(test[site][:, block]), components).scores
            unknown = np.full(len(rows), np.nan)
            apart, near = unknown, unknown
            if scores.shape[1]:
                apart = clustering.silhouettes(scores, labels)
                near = clustering.leave_one_out_neighbours(scores, labels, neighbours) == labels
            found = {"probe": read == labels, "silhouette": apart, "neighbours": near}
            records.append(place | {"site": site, "layer": block} | {name: of * 1.0 for name, of in found.items()})
    statistics = ["probe", "silhouette", "neighbours"]
    yield class_means(measurement_table(records), classes, ["site", "layer"], statistics, confidence)
    if has_classifier(folder):
        cls = torch.from_numpy(test["cls"][:, -1])
        logits = readout.classifier_outputs(cls, read_head(folder))["logits"].double().numpy()
        loss = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(labels)), labels]
        outputs = pd.DataFrame(place | {"loss": loss, "accuracy": (logits.argmax(axis=1) == labels) * 1.0})
        yield class_means(outputs.assign(site="classifier"), classes, ["site"], ["loss", "accuracy"], confidence)


def _of_hidden_kmers(
    encoder: Any,
    folder: Path,
    masked: str,
    test: tuple[pd.DataFrame, list[np.ndarray]],
    probability: float,
    span: int,
    batch_size: int,
    seed: int,
) -> Iterator[pd.DataFrame]:
    """The share of hidden k-mers that the head of the masked model reads in the encoder, by class."""
    head = folder if has_masked_head(folder) else Path(masked)
    if not has_masked_head(head):
        return
    model = load_masked_model(head, encoder.device)
    model.bert = encoder
    rows, ids = test
    parts = []
    for hidden in hide_kmers(model, ids, span, probability, [seed, 1], batch_size):
        right = own_reading(model, hidden.states[:, -1]) == hidden.tokens
        parts.append(pd.DataFrame({"class": rows["class"].to_numpy()[hidden.rows], "value": right * 1.0}))
    targets = pd.concat([pd.concat(parts), pd.concat(parts).assign(**{"class": ALL_CLASSES})])
    found = targets.groupby("class", sort=False)["value"].agg(value="mean", n="count").reset_index()
    yield found.assign(statistic="token_accuracy")
