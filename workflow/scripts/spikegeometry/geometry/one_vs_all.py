"""Telling one class from the rest by the tokens of a few slots (places of k-mers, the same in all sequences).

What stands in the slots of a sequence is a tuple of tokens, and all that a classifier can use, so training sequences
enter as the distinct tuples and their weights: the class and the rest weigh one half each, whatever their numbers. A
table of which side a tuple is more often of (`lookup_scores`) is then right for the largest share of the training
weight that is possible, and bounds every other classifier there.

A token is written as its code, its number among those that its slot has in any sequence. Scores are the estimated
probability of the class; above one half a sequence is called the class.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from spikegeometry.geometry.rollout import residual_mix, rollout_by_layer
from spikegeometry.streams import Stream

# Widths of the two hidden layers (Bonino, Ghione and Cirrincione, arXiv 2502.12033), and the two sides.
HIDDEN, SIDES = 32, 2


@dataclass(frozen=True)
class Tally:
    """What `n` training sequences hold in m slots."""

    tuples: np.ndarray  # (U, m) distinct tuples of codes
    weights: np.ndarray  # (U, 2) share of the rest and of the class that holds each; each column sums to 1/2
    n: int


@dataclass(frozen=True)
class Problem:
    """A class to be told from the rest by the codes in m slots."""

    codes: np.ndarray  # (n, m) of the training sequences
    positive: np.ndarray  # (n,) which of these are of the class
    test_codes: np.ndarray  # (k, m) of the sequences that scores are wanted of
    slots: np.ndarray  # (m,) 0-based


def code_slots(tokens: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Codes (n, slots) of token ids (n, slots), and the ids that the codes of each slot stand for."""
    columns = [np.unique(column, return_inverse=True) for column in tokens.T]
    return np.stack([codes for _, codes in columns], axis=1), [ids for ids, _ in columns]


def cls_rollouts(sequences: Iterable[Sequence[Tensor]], residual: float) -> np.ndarray:
    """Rollout (n, slots) from [CLS] after the last layer down to each k-mer, 0 beyond the end of a sequence.

    `sequences`: for each the attention of its layers, (H, n, n), from [CLS] to [SEP]; `residual`: share of the identity
    in the mixes.
    """
    mixes = (torch.stack([residual_mix(layer, residual) for layer in layers]) for layers in sequences)
    return pad_sequence([rollout_by_layer(mix, 0)[-1, 1:-1] for mix in mixes], batch_first=True).numpy()


def attention_contrast(rollouts: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """How much more of [CLS] each slot holds in the class: mean of the rollouts (n, slots) there, less that elsewhere.

    `positive` (n,) says which sequences are of the class.
    """
    return rollouts[positive].mean(axis=0) - rollouts[~positive].mean(axis=0)


def ranking(scores: np.ndarray) -> np.ndarray:
    """Slots (0-based) by falling score (slots,); the first along the gene comes first among equals."""
    return np.argsort(-scores, kind="stable")


def rankings(scores: dict[str, np.ndarray], draws: int, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """The name of each of the `scores` (slots,) with its `ranking`, and `random` with each of so many random orders."""
    for name, values in scores.items():
        yield name, ranking(values)
    for draw in range(draws):
        yield "random", np.random.default_rng([seed, Stream.RANDOM_POSITIONS, draw]).permutation(len(values))


def classify(
    problems: Sequence[Problem], vectors: Sequence[Tensor], steps: int, rate: float, seed: int
) -> dict[str, list[tuple[float, np.ndarray]]]:
    """For each classifier and problem, its balanced accuracy in training and the scores (k,) of the test sequences.

    All problems have as many slots. The classifiers are lookup, logistic and mlp, of which mlp takes the `vectors` of
    all slots (see `network_scores`); without these it is logistic alone.
    """
    counted = [tally(problem.codes, problem.positive) for problem in problems]
    queries = [np.concatenate([one.tuples, problem.test_codes]) for one, problem in zip(counted, problems, strict=True)]
    scores = {"logistic": list(map(logistic_scores, counted, queries))}
    if vectors:
        scores["lookup"] = list(map(lookup_scores, counted, queries))
        slots = [problem.slots for problem in problems]
        scores["mlp"] = network_scores(counted, slots, queries, vectors, steps, rate, seed)
    return {
        classifier: [
            (balanced_accuracy(one, own[: len(one.tuples)]), own[len(one.tuples) :])
            for one, own in zip(counted, several, strict=True)
        ]
        for classifier, several in scores.items()
    }


def tally(codes: np.ndarray, positive: np.ndarray) -> Tally:
    """Distinct tuples of the training sequences' codes (n, m), of which `positive` (n,) are of the class."""
    tuples, held = np.unique(codes, axis=0, return_inverse=True)
    sides = [
        np.bincount(held.ravel(), side, minlength=len(tuples)) / (2 * side.sum()) for side in (~positive, positive)
    ]
    return Tally(tuples, np.stack(sides, axis=1), len(codes))


def balanced_accuracy(counted: Tally, scores: np.ndarray) -> float:
    """Training weight that the scores (U,) of the tuples call right: the mean of the recalls of class and rest."""
    return float(np.where(scores > 0.5, counted.weights[:, 1], counted.weights[:, 0]).sum())


def lookup_scores(counted: Tally, codes: np.ndarray) -> np.ndarray:
    """Score (k,) of sequences by the table: share of the class in the weight of their tuple, 0 for an unseen one."""
    known = len(counted.tuples)
    number = np.unique(np.concatenate([counted.tuples, codes]), axis=0, return_inverse=True)[1].ravel()
    shares = np.zeros(known + len(codes))
    shares[number[:known]] = counted.weights[:, 1] / counted.weights.sum(axis=1)
    return shares[number[known:]]


def logistic_scores(counted: Tally, codes: np.ndarray) -> np.ndarray:
    """Score (k,) of sequences by a logistic regression on which token stands in which slot, with C = 1.

    The weights of the training sequences add up to their number, so that the penalty weighs as much as without
    balancing. A token that its slot did not hold in training says nothing.
    """
    encoder = OneHotEncoder(handle_unknown="ignore").fit(counted.tuples)
    row, side = np.nonzero(counted.weights)
    model = LogisticRegression(max_iter=1000)
    model.fit(encoder.transform(counted.tuples[row]), side, counted.n * counted.weights[row, side])
    return model.predict_proba(encoder.transform(codes))[:, 1]


def network_scores(
    counted: Sequence[Tally],
    slots: Sequence[np.ndarray],
    codes: Sequence[np.ndarray],
    vectors: Sequence[Tensor],
    steps: int,
    rate: float,
    seed: int,
) -> list[np.ndarray]:
    """Scores of sequences by networks, one for each tally, on the vectors of the tokens in its slots side by side.

    The network is that of the paper, m d -> HIDDEN -> HIDDEN -> SIDES with ReLU, under Adam; it takes `steps` steps on
    all training sequences at once, because epochs of a small data set are too few steps to learn in. All networks
    start from the same weights and do not touch each other: they are trained side by side to be quick.

    `slots`: the m slots of each; `codes`: what sequences hold there, (k, m), k unlike from one to the other;
    `vectors`: for each slot of the gene the vectors (tokens, d) of its codes.
    """
    networks, m = len(counted), len(slots[0])
    width = vectors[0].shape[1]
    tokens = max(len(vectors[slot]) for several in slots for slot in several)
    held = torch.zeros(networks, m, tokens, width)
    for network, several in enumerate(slots):
        for place, slot in enumerate(several):
            held[network, place, : len(vectors[slot])] = vectors[slot]
    trained = _indicators((one.tuples for one in counted), tokens)
    weights = _stack(torch.from_numpy(one.weights) for one in counted)

    parameters = _start([m * width, HIDDEN, HIDDEN, SIDES], networks, seed)
    optimizer = torch.optim.Adam(parameters, lr=rate, fused=True)
    for _ in range(steps):
        optimizer.zero_grad()
        # Summed, not averaged: each network then has the gradient of its own loss.
        loss = -(weights * functional.log_softmax(_logits(parameters, held, trained), dim=-1)).sum()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        scores = _logits(parameters, held, _indicators(codes, tokens)).softmax(dim=-1)[..., 1]
    return [own[: len(wanted)].double().numpy() for own, wanted in zip(scores, codes, strict=True)]


def _start(widths: list[int], networks: int, seed: int) -> list[Tensor]:
    """Weights and biases as torch begins a linear layer, uniform within 1 / sqrt(inputs), the same for all networks."""
    generator = torch.Generator().manual_seed(seed)
    parameters = []
    for inputs, outputs in pairwise(widths):
        for rows in (inputs, 1):
            start = (2 * torch.rand(rows, outputs, generator=generator) - 1) / inputs**0.5
            parameters.append(start.repeat(networks, 1, 1).requires_grad_())
    return parameters


def _logits(parameters: list[Tensor], held: Tensor, indicators: Tensor) -> Tensor:
    """Logits (networks, rows, SIDES) of tuples, given as indicators (networks, rows, m tokens) of the vectors `held`.

    The first layer is linear in the vectors side by side, so what each token adds to it is computed once.
    """
    first, bias, *rest = parameters
    networks, m, tokens, width = held.shape
    added = held @ first.view(networks, m, width, HIDDEN)
    values = indicators @ added.view(networks, m * tokens, HIDDEN) + bias
    for weight, bias in zip(rest[::2], rest[1::2], strict=True):
        values = values.relu() @ weight + bias
    return values


def _indicators(tuples: Iterable[np.ndarray], tokens: int) -> Tensor:
    """Which token stands in which slot, float32 (networks, most rows, m tokens), from codes (rows, m) of each."""
    return _stack(functional.one_hot(torch.from_numpy(codes), tokens).flatten(1) for codes in tuples)


def _stack(rows: Iterable[Tensor]) -> Tensor:
    """Tensors (rows, c), with as many rows as the longest has, those that one lacks 0: (networks, most rows, c)."""
    return pad_sequence([several.float() for several in rows], batch_first=True)
