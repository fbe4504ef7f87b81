"""Seconds for the metrics of one model with 1,000 bootstrap resamples, and for nearest neighbours, on one core.

    OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts python tests/benchmarks/evaluate_sets.py [sequences]

Predictions are random with two thirds as many haplotypes as sequences; spikes are mutants of eight founders, a third
of them with a run of N, and the training split is as large as the set.
"""

import sys
import time

import numpy as np
import pandas as pd
from scipy import sparse

from spikegeometry.evaluation.assessment import Predictions, measure, metric_table
from spikegeometry.evaluation.baselines import Sequences
from spikegeometry.evaluation.neighbours import NearestNeighbour

LENGTH, CLASSES, MUTATIONS, GAP = 3822, 8, 5, 400


def predictions(number: int, rng: np.random.Generator) -> Predictions:
    labels = rng.integers(CLASSES, size=number)
    logits = rng.normal(size=(number, CLASSES)) + 2 * np.eye(CLASSES)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    haplotypes = rng.integers(2 * number // 3, size=number)
    return Predictions([f"class{k}" for k in range(CLASSES)], labels, logits.argmax(1), probabilities, haplotypes)


def sequences(number: int, founders: np.ndarray, rng: np.random.Generator) -> Sequences:
    labels = rng.integers(CLASSES, size=number)
    spikes = founders[labels]
    for i, spike in enumerate(spikes):
        spike[rng.integers(LENGTH, size=MUTATIONS)] = rng.choice(list(b"ACGT"), MUTATIONS)
        if i % 3 == 0:
            start = rng.integers(LENGTH - GAP)
            spike[start : start + GAP] = ord("N")
    rows = pd.DataFrame({"label": labels})
    return Sequences(rows, sparse.csr_array((number, 1)), [spike.tobytes().decode() for spike in spikes])


def main(number: int) -> None:
    rng = np.random.default_rng(0)
    sample = predictions(number, rng)
    started = time.process_time()
    metric_table(measure(sample, n_bins=15, samples=1000, seed=0), confidence=0.95)
    print(f"metrics of {number:,} sequences: {time.process_time() - started:.1f} s")

    founders = np.tile(rng.choice(list(b"ACGT"), LENGTH).astype(np.uint8), (CLASSES, 1))
    for founder in founders:
        founder[rng.integers(LENGTH, size=25)] = rng.choice(list(b"ACGT-"), 25)
    train, tested = sequences(number, founders, rng), sequences(number, founders, rng)
    started = time.process_time()
    called = NearestNeighbour().fit(train, train, CLASSES).predict(tested).argmax(1)
    print(f"nearest neighbours of {number:,} in {number:,} spikes: {time.process_time() - started:.1f} s")
    assert (called == tested.labels).all()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
