"""Reading of the table of spikes in batches."""

import hashlib
import os
from array import array
from collections.abc import Iterable, Iterator, Mapping
from tempfile import TemporaryFile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spikegeometry.errors import InputError
from spikegeometry.streams import Stream
from spikegeometry.tables import return_freed_memory

# Small enough that the arrays of a batch stay in the cache, and that a thousand genomes fill as much memory as many.
BATCH = 128
SPLITS = ("train", "validation", "test")
# Name of the run's own spikes beside those of its external sets.
RUN = "run"


def text_digests(texts: Iterable[str]) -> np.ndarray:
    """64 bits of the digest of each text, uint64 (n,): two of a million unlike texts share them once in 30 million."""
    return np.frombuffer(b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts), np.uint64)


class StoredTexts:
    """Texts in a temporary file, from which they are read one at a time: 8 bytes of each stay in memory."""

    def __init__(self, texts: Iterable[str]):
        self._file = TemporaryFile()  # noqa: SIM115 - open as long as the texts are wanted
        self._ends = array("q", [0])
        for text in texts:
            self._ends.append(self._ends[-1] + self._file.write(text.encode()))
        self._file.flush()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, place: int) -> str:
        if not 0 <= place < len(self):
            raise IndexError(place)
        start, end = self._ends[place : place + 2]
        return os.pread(self._file.fileno(), end - start, start).decode()

    def __iter__(self) -> Iterator[str]:
        return (self[place] for place in range(len(self)))


class Categories:
    """Texts of which few are distinct, such as classes, that are added to: 4 bytes of each."""

    def __init__(self):
        self._codes, self._numbers = array("i"), {}

    def extend(self, texts: Iterable[str]) -> None:
        self._codes.extend(self._numbers.setdefault(text, len(self._numbers)) for text in texts)

    def categorical(self) -> pd.Categorical:
        """All of them so far, with categories in the order of their first appearance."""
        return pd.Categorical.from_codes(np.frombuffer(self._codes, self._codes.typecode), list(self._numbers))


def split_members(splits: str | os.PathLike, name: str) -> Iterator[str]:
    """Accessions of the genomes of a split, in the order of the tables of splits and of spikes."""
    for batch in pq.ParquetFile(splits).iter_batches(BATCH, columns=["accession", "split"], use_threads=False):
        yield from batch.filter(pc.equal(batch.column("split"), name)).column("accession").to_pylist()


def spike_batches(
    spikes: str | os.PathLike, columns: list[str], members: Iterable[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Columns of a table of spikes, batch by batch in its order; with `members`, only the rows of those accessions.

    Members are in the order of the table. Raises InputError where one is not found there.
    """
    wanted = None if members is None else iter(members)
    following = None if wanted is None else next(wanted, None)
    read = columns if wanted is None or "accession" in columns else ["accession", *columns]
    # Threads would each keep memory of their own.
    for batch in pq.ParquetFile(spikes).iter_batches(BATCH, columns=read, use_threads=False):
        if wanted is not None:
            chosen = []
            for accession in batch.column("accession").to_pylist():
                chosen.append(accession == following)
                if chosen[-1]:
                    following = next(wanted, None)
            batch = batch.filter(pa.array(chosen))
        if batch.num_rows:
            yield batch.select(columns)
        return_freed_memory()
    if following is not None:
        raise InputError(
            f"{spikes} does not hold the genome {following!r} in its place. Make what was made of it again."
        )


def sample_spikes(
    spikes: str | os.PathLike, columns: list[str], most: int, seed: int, members: Iterable[str] | None = None
) -> pd.DataFrame:
    """Columns of at most `most` spikes of each class, a seeded sample of those whose native sequences are distinct.

    With `members`, among these accessions. In the order of the table, which is read twice, batch by batch: only what is
    sampled stays in memory, and some 50 bytes of each spike until that is chosen.
    """
    # Grown in place: many small arrays, made among large ones that come and go, would keep their memory from reuse.
    digests, classes = array("Q"), Categories()

    def accessions() -> Iterator[str]:
        for batch in spike_batches(spikes, ["accession", "class", "native"], members):
            accession, names, sequences = (column.to_pylist() for column in batch.columns)
            classes.extend(names)
            digests.extend(text_digests(sequences))
            yield from accession

    stored = StoredTexts(accessions())
    if not len(stored):
        return pd.DataFrame(columns=columns, dtype=str)
    rows = {"class": classes.categorical(), "digest": np.frombuffer(digests, digests.typecode)}
    distinct = pd.DataFrame(rows).drop_duplicates()
    order = np.random.default_rng([seed, Stream.BASELINE_SAMPLE]).permutation(len(distinct))
    chosen = distinct.iloc[order].groupby("class", sort=False, observed=True).head(most).index.sort_values()
    sampled, schema = pa.BufferOutputStream(), pa.schema([pq.read_schema(spikes).field(name) for name in columns])
    with pa.ipc.new_stream(sampled, schema) as writer:
        for batch in spike_batches(spikes, columns, map(stored.__getitem__, chosen.tolist())):
            writer.write_batch(batch)
    return pa.ipc.open_stream(sampled.getvalue()).read_pandas()


def read_sets(
    run: str | os.PathLike,
    splits: str | os.PathLike,
    external: Mapping[str, str | os.PathLike],
    columns: list[str],
    most: int,
    seed: int,
) -> pd.DataFrame:
    """Spikes of the run and of its external sets: the columns, set (`run` or the external set's name), split, input.

    `columns` must hold accession, class and native. `split` is the external set's name where a spike has none; `input`
    is a number for each native sequence. Of each set, split and class, `sample_spikes` takes at most `most`.
    """
    parts = [
        sample_spikes(run, columns, most, seed, split_members(splits, split)).assign(set=RUN, split=split)
        for split in SPLITS
    ]
    parts += [sample_spikes(path, columns, most, seed).assign(set=name, split=name) for name, path in external.items()]
    sampled = pd.concat(parts, ignore_index=True)
    return sampled.assign(input=pd.factorize(sampled["native"])[0])
