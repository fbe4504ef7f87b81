"""Spikes a second that are encoded as token ids, on one core: vectorised, and by slicing strings and a dictionary.

    OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts python tests/benchmarks/encode_tokens.py [spikes]

The spikes are random mutants of one sequence of the length of the gene, a third of them with a run of N.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from spikegeometry.dataset.encoding import Encoder, encode_split
from spikegeometry.dataset.reading import BATCH
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS, UNK, count_kmers

LENGTH, K, STRIDE = 3822, 12, 9
MUTATIONS, GAP = 40, 300


def mutants(number: int, rng: np.random.Generator) -> list[str]:
    bases = np.frombuffer(b"ACGT", dtype=np.uint8)
    founder = bases[rng.integers(0, 4, LENGTH)]
    sequences = []
    for i in range(number):
        mutant = founder.copy()
        mutant[rng.integers(0, LENGTH, MUTATIONS)] = bases[rng.integers(0, 4, MUTATIONS)]
        if i % 3 == 0:
            start = rng.integers(0, LENGTH - GAP)
            mutant[start : start + GAP] = ord("N")
        sequences.append(mutant.tobytes().decode())
    return sequences


def encode_with_dictionary(sequences: list[str], ids: dict[str, int]) -> list[list[int]]:
    starts = range(0, LENGTH - K + 1, STRIDE)
    return [[ids.get(sequence[start : start + K], UNK) for start in starts] for sequence in sequences]


def report(what: str, number: int, started: float) -> None:
    print(f"{what}: {number / (time.process_time() - started):,.0f} spikes/s")


def main(number: int) -> None:
    sequences = mutants(number, np.random.default_rng(0))
    batches = [sequences[start : start + BATCH] for start in range(0, number, BATCH)]

    started = time.process_time()
    counts = count_kmers(batches, K, STRIDE, "unknown")
    report(f"counting of k-mers ({len(counts):,} distinct)", number, started)
    # The rarest are unknown to the encoder, as in a split that was not trained on.
    vocabulary = [*SPECIAL_TOKENS, *sorted(counts["kmer"].head(40_000))]
    encoder = Encoder(vocabulary, STRIDE)

    started = time.process_time()
    encoded = [encoder.encode(batch) for batch in batches]
    report("encoding, vectorised", number, started)

    ids = {token: i for i, token in enumerate(vocabulary)}
    started = time.process_time()
    expected = [encode_with_dictionary(batch, ids) for batch in batches]
    report("encoding, slices and dictionary", number, started)
    for (flat, lengths, _), rows in zip(encoded, expected, strict=True):
        assert (flat.reshape(len(lengths), -1)[:, 1:-1] == np.array(rows)).all()

    with tempfile.TemporaryDirectory() as folder:
        spikes = Path(folder) / "spikes.parquet"
        accessions = [f"spike{i}" for i in range(number)]
        pd.DataFrame({"accession": accessions, "class": "a", "projected": sequences}).to_parquet(spikes, index=False)
        started = time.process_time()
        encode_split(spikes, None, "projected", encoder, ["a"], Path(folder) / "all.arrow")
        report("Parquet to Arrow, haplotype digests included", number, started)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
