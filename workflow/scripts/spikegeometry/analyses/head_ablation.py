"""What the classifier loses without a head or a layer's attention, and how many heads it can go without."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.tables import ablation, pruning
from spikegeometry.dataset.encoding import open_split
from spikegeometry.geometry import head_ablation
from spikegeometry.geometry.selection import choose
from spikegeometry.model.batches import input_batches
from spikegeometry.model.classifier import load_classifier
from spikegeometry.stats.findings import findings_table


def measure(
    model: str,
    train: str,
    validation: str,
    test: str,
    classes: Sequence[str],
    layers: Sequence[int],
    heads: Sequence[int],
    selected_classes: Sequence[str],
    modes: Sequence[str],
    sequences_per_class: int,
    steps: int,
    random_orders: int,
    bootstrap: int,
    confidence: float,
    permutations: int,
    shards: int,
    batch_size: int,
    device: torch.device,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Changes of accuracy and log-probability on the test split without heads (Michel et al. 2019).

    What to go without is chosen on the validation split; mean outputs are those of the training split.

    Parameters
    ----------
    model: folder. train, validation, test: encoded splits.
    classes: names in the order of the outputs. layers, heads, selected_classes: to be measured; all where none is
    named.
    modes: a head's output becomes `zero` or its `mean`. sequences_per_class: drawn from each split.
    steps: numbers of heads in the curves of removal. random_orders: orders of removal beside those by importance.
    bootstrap: samples of intervals. permutations: random signs of tests.
    shards, batch_size, device: as of predictions, so that nothing switched off gives the predictions themselves.

    Returns
    -------
    table: changes by class, mode, layer and head, with intervals, p and q. findings. importance: of each head by
    gradients and by its removal. curve: accuracy by the number of heads removed. sequences: of each sequence.
    """
    how = ablation.Intervals(bootstrap, confidence, permutations, seed)
    network = head_ablation.Network(load_classifier(model, classes, device).requires_grad_(False))
    layers = choose(layers, range(1, len(network.layers) + 1), "analyses.head_ablation.layers")
    heads = choose(heads, range(1, network.heads + 1), "analyses.head_ablation.heads")
    selected = choose(selected_classes, classes, "analyses.head_ablation.classes")
    given = {"train": train, "validation": validation, "test": test}
    tables = {split: open_split(path) for split, path in given.items()}
    sequences = {
        split: ablation.sample_split(table, selected, sequences_per_class, how.seed) for split, table in tables.items()
    }
    distinct = {split: sample[sample["counts"]] for split, sample in sequences.items()}

    def batches(split: str, sample: dict[str, pd.DataFrame], size: int = batch_size) -> head_ablation.Batches:
        return input_batches(tables[split], sample[split].index.to_numpy(), shards, size, device)

    means = head_ablation.mean_outputs(network, batches("train", distinct)) if "mean" in modes else None

    def outcomes(split: str, variants: list) -> ablation.Outcomes:
        logits = head_ablation.measure_logits(network, batches(split, sequences), variants, means)
        labels = distinct[split]["label"].to_numpy()
        return ablation.outcomes(logits[:, sequences[split]["counts"]], labels, classes)

    places = ablation.single_places(modes, layers, heads)
    singles = [(place.variant, network.heads_at(place.layer, place.head)) for place in places.itertuples()]
    of_heads = places[(places["site"] == "head") & (places["variant"] == modes[0])]
    # Gradients hold what every layer computes, hence batches are smaller.
    small = batches("validation", distinct, max(1, batch_size // 4))
    gradients = head_ablation.measure_gradients(network, small, distinct["validation"]["label"].to_numpy())
    validated = outcomes("validation", singles).of(slice(1, None))
    effects = (gradients, of_heads, validated.log_probability[of_heads.index])
    curve = pruning.pruning_curves(*effects, random_orders, steps, how.seed)
    removed = list(dict.fromkeys(curve["gone"]))
    tested = outcomes("test", singles + [(modes[0], gone) for gone in removed])
    before, after = tested.of([0]), tested.of(slice(1, 1 + len(singles)))
    at_steps = tested.of([1 + len(singles) + removed.index(gone) for gone in curve["gone"]])

    table = ablation.change_table(places, before, after, how)
    changes: np.ndarray = (after.log_probability - before.log_probability)[of_heads.index]
    return {
        "table": table,
        "findings": findings_table(ablation.ablation_findings(table, places, validated, how.confidence)),
        "importance": pruning.importance_table(gradients, of_heads, changes, how),
        "curve": pruning.curve_table(curve, before, at_steps, how),
        "sequences": ablation.sequence_table(places, distinct["test"], after),
    }
