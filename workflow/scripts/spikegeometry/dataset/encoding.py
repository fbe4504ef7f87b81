"""From sequences to token ids, and the Arrow files that hold them."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spikegeometry.dataset.packing import KmerIndex, pack_kmers
from spikegeometry.dataset.reading import spike_batches
from spikegeometry.dataset.splits import haplotype_id
from spikegeometry.dataset.vocabulary import CLS, PAD, SEP, SPECIAL_TOKENS, UNK
from spikegeometry.logs import progress
from spikegeometry.tables import atomic_path

# Class and label of a genome of none of the classes.
OTHER, OTHER_LABEL = "other", -1
# More than a sequence may have: the longest that the configuration allows to be read is far shorter.
MOST_SLOTS = 1 << 20
SCHEMA = pa.schema(
    {
        "accession": pa.string(),
        "class": pa.string(),
        "label": pa.int32(),
        "haplotype": pa.string(),
        "unknown": pa.int32(),
        "input_ids": pa.list_(pa.int32()),
    }
)


class Encoder:
    """Token ids of sequences by a vocabulary."""

    def __init__(self, vocabulary: list[str], stride: int):
        """`vocabulary`: tokens in the order of their ids, as `read_vocabulary` gives them."""
        kmers = vocabulary[len(SPECIAL_TOKENS) :]
        self.k = len(kmers[0])
        self.stride = stride
        words, _ = pack_kmers(kmers, self.k, self.stride)
        self._index = KmerIndex(words[:, :, 0])

    def encode(self, sequences: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Encode each sequence as [CLS], its whole k-mers, [SEP].

        Returns the ids of all sequences one after the other, int32 (tokens,); the number of tokens of each sequence,
        int64 (sequences,); and how many of them are [UNK], int32 (sequences,).
        """
        words, counts = pack_kmers(sequences, self.k, self.stride)
        ranks = self._index.ranks(words)
        ids = np.full((len(sequences), ranks.shape[1] + 2), PAD, dtype=np.int32)
        ids[:, 0] = CLS
        ids[:, 1:-1] = np.where(ranks < 0, UNK, ranks + len(SPECIAL_TOKENS))
        ids[np.arange(len(sequences)), counts + 1] = SEP
        inside = np.arange(ids.shape[1]) < counts[:, None] + 2
        unknown = ((ids == UNK) & inside).sum(axis=1, dtype=np.int32)
        return ids[inside], counts + 2, unknown


def encode_batch(batch: pa.RecordBatch, coordinates: str, encoder: Encoder, classes: list[str]) -> pa.RecordBatch:
    """Rows of `SCHEMA` for a batch with the columns accession, class and `coordinates`."""
    sequences = batch.column(coordinates).to_pylist()
    labels = {name: label for label, name in enumerate(classes)}
    ids, lengths, unknown = encoder.encode(sequences)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    columns = [
        batch.column("accession").cast(pa.string()),
        batch.column("class").cast(pa.string()),
        pa.array([labels.get(name, OTHER_LABEL) for name in batch.column("class").to_pylist()], type=pa.int32()),
        pa.array([haplotype_id(sequence) for sequence in sequences], type=pa.string()),
        pa.array(unknown),
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(ids)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def encode_split(
    spikes: str | os.PathLike,
    members: Iterable[str] | None,
    coordinates: str,
    encoder: Encoder,
    classes: list[str],
    path: str | os.PathLike,
) -> None:
    """Write an Arrow file of `SCHEMA` with the spikes of `members` (all where None), as `spike_batches` takes them.

    `label` is the index of the class in `classes`, -1 where it is none of them. Memory is that of one batch.
    """
    batches = spike_batches(spikes, ["accession", "class", coordinates], members)
    with atomic_path(path) as partial, pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        for batch in progress(batches, "batches of gene sequences"):
            writer.write_batch(encode_batch(batch, coordinates, encoder, classes))


def open_split(path: str | os.PathLike) -> pa.Table:
    """The table that `encode_split` wrote, mapped into memory, not read."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def token_chunks(table: pa.Table) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Views of the token ids of an encoded split, chunk by chunk, and where in them each row of the chunk begins.

    int32 (tokens,) and int32 (rows + 1,), of which the last is the end of the last row.
    """
    for chunk in table.column("input_ids").chunks:
        yield chunk.values.to_numpy(), chunk.offsets.to_numpy()


def number_rows(table: pa.Table) -> np.ndarray:
    """A number for each row of an encoded split, equal for equal token ids, int64 (rows,), 0 for the first row and the
    next whole one for every row that is like none before it. Takes some 40 bytes a row.

    Rows go by 64 bits of their digest, as in `dataset.reading.text_digests`.
    """
    digests = bytearray()
    for ids, offsets in token_chunks(table):
        for start, end in pairwise(offsets):
            digests += hashlib.blake2b(ids[start:end].tobytes(), digest_size=8).digest()
    _, first, same = np.unique(np.frombuffer(digests, dtype=np.uint64), return_index=True, return_inverse=True)
    ranks = np.empty_like(first)
    ranks[np.argsort(first)] = np.arange(len(first))
    return ranks[same]


def count_slots(table: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How often each token id stands at each slot in the rows of an encoded split ([CLS] is at slot 0).

    Returns ids, slots and counts, int64 (cells,), in the order of ids and slots.
    """
    cells, counts = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    for ids, offsets in token_chunks(table):
        slots = np.concatenate([np.arange(end - start) for start, end in pairwise(offsets)])
        new = ids[offsets[0] : offsets[-1]].astype(np.int64) * MOST_SLOTS + slots
        cells, which = np.unique(np.concatenate([cells, new]), return_inverse=True)
        counts = np.bincount(which, np.concatenate([counts, np.ones(len(new))])).astype(np.int64)
    return cells // MOST_SLOTS, cells % MOST_SLOTS, counts


def take_rows(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """The chosen rows of an encoded split, in the order of the split; the others are not read into memory."""
    chosen = np.zeros(table.num_rows, dtype=bool)
    chosen[rows] = True
    start, batches = 0, []
    for batch in table.to_batches():
        batches.append(batch.filter(pa.array(chosen[start : start + batch.num_rows])))
        start += batch.num_rows
    return pa.Table.from_batches(batches, table.schema)


def padded_ids(table: pa.Table) -> np.ndarray:
    """Token ids of the rows of an encoded split, int32 (rows, longest), [PAD] beyond the end of a sequence."""
    ids = table.column("input_ids")
    lengths = pc.list_value_length(ids).to_numpy()
    padded = np.full((len(ids), lengths.max(initial=0)), PAD, dtype=np.int32)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = pc.list_flatten(ids).to_numpy()
    return padded
