"""Each class told from the rest by the tokens in a few slots: the most attended, the most informative, random ones."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.tables import telling
from spikegeometry.analyses.tables.token_evidence import mutual_information
from spikegeometry.dataset.samples import distinct_sample
from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.geometry import one_vs_all as few
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import progress
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.forward import attention_of_sequences, embedding_output


def measure(
    model: str,
    train: str,
    test: str,
    vocabulary: str,
    classes: Sequence[str],
    selected_classes: Sequence[str],
    sequences_per_class: int,
    analysed_per_class: int,
    positions: Sequence[int],
    random_draws: int,
    residual: float,
    steps: int,
    learning_rate: float,
    k: int,
    stride: int,
    bootstrap: int,
    confidence: float,
    device: torch.device,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Detection of each class on the test split by classifiers of a few slots' tokens.

    Slots are ranked, and classifiers fitted, on the training split alone.

    Parameters
    ----------
    model: folder. train, test: encoded splits. vocabulary: of the k-mers.
    classes: names in the order of the outputs. selected_classes: to be measured; all where none is named.
    sequences_per_class: whose attention is followed. analysed_per_class: distinct sequences of each split.
    positions: numbers of slots. random_draws: rankings at random. residual: of rollout.
    steps, learning_rate: of the small networks. k, stride: of the k-mers, in bases. bootstrap: samples.
    device: of the model.

    Returns
    -------
    table: metrics by class, ranking, number of positions and classifier, with intervals. slots: score of each slot.
    positions: the best slots and their k-mers.
    """
    network = load_classifier(model, classes, device, attention="eager")
    how = classes, analysed_per_class, seed
    (own, ids), (held, held_ids) = (telling.distinct_sequences(path, *how) for path in (train, test))
    wanted = choose(selected_classes, classes, "analyses.one_vs_all.classes")
    measured_classes = telling.tellable_classes(wanted, own["class"], held["class"])
    slots = own["length"].min() - 2
    tokens = telling.kmer_tokens(ids, own["length"], slots)
    codes, tokens_of_slots = few.code_slots(
        np.concatenate([tokens, telling.kmer_tokens(held_ids, held["length"], slots)])
    )
    codes, test_codes = np.split(codes, [len(own)])
    of_class, of_test = (
        {name: (rows["class"] == name).to_numpy() for name in measured_classes} for rows in (own, held)
    )
    sample = distinct_sample(own, classes, sequences_per_class, seed)
    maps = progress(attention_of_sequences(network, ids[sample.index], sample["length"]), "sequences read", len(sample))
    rollouts = few.cls_rollouts(maps, residual)[:, :slots]
    vectors = [embedding_output(network, of_slot, slot) for slot, of_slot in enumerate(tokens_of_slots, start=1)]
    weights = telling.resample_weights(held["input"].to_numpy(), bootstrap, seed)
    chosen, tables, measured = defaultdict(list), [], defaultdict(list)
    for name in measured_classes:
        slot_scores = {
            "attention": few.attention_contrast(rollouts, (sample["class"] == name).to_numpy()),
            "information": mutual_information(codes, of_class[name].astype(int)),
        }
        tables.append(telling.position_table(name, tokens, of_class[name], slot_scores, k, stride))
        for ranking, order in few.rankings(slot_scores, random_draws, seed):
            for number in sorted({min(number, slots) for number in positions}):
                chosen[number, True].append((name, ranking, order[:number]))
        chosen[slots, False].append((name, "all", np.arange(slots)))

    for (number, few_enough), places in progress(chosen.items(), "numbers of positions", len(chosen)):
        problems = [few.Problem(codes[:, slot], of_class[name], test_codes[:, slot], slot) for name, _, slot in places]
        found = few.classify(problems, vectors if few_enough else [], steps, learning_rate, seed)
        for classifier, results in found.items():
            for (name, ranking, _), (accuracy, scores) in zip(places, results, strict=True):
                metrics = telling.detection_metrics(of_test[name], scores, weights) | {"train_accuracy": accuracy}
                measured[name, ranking, number, classifier].append(metrics)

    slot_table = pd.concat(tables)
    counts = held["class"].value_counts()[measured_classes]
    return {
        "table": telling.detection_table(measured, counts, confidence, seed),
        "slots": slot_table,
        "positions": telling.chosen_positions(slot_table, max(positions), read_vocabulary(vocabulary)),
    }
