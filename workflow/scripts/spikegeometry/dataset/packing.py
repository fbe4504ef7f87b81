"""K-mers as integers: four bits a symbol, exact, so that equal integers are equal k-mers.

A 64-bit word holds 16 symbols; longer k-mers take several words, the first symbols in the first word. Codes follow
the ASCII order of the symbols, so that packed k-mers sort as the strings do.
"""

from collections.abc import Sequence

import numpy as np

from spikegeometry.dataset.kmers import kmer_count

# Gap, bases and IUPAC codes.
SYMBOLS = "-ABCDGHKMNRSTVWY"
BITS = 4
SYMBOLS_PER_WORD = 64 // BITS

_UNKNOWN_CODE = 255
_CODES = np.full(256, _UNKNOWN_CODE, dtype=np.uint8)
_CODES[list(SYMBOLS.encode())] = range(len(SYMBOLS))
_CODES[0] = 0  # filling after the end of a sequence; callers leave it out by the lengths


def symbol_matrix(sequences: Sequence[str]) -> np.ndarray:
    """Sequences as ASCII codes, uint8 (sequences, length of the longest), zero after the end of each."""
    longest = max(map(len, sequences), default=0)
    fixed = np.array(sequences, dtype=f"S{max(longest, 1)}")
    return fixed.view(np.uint8).reshape(len(sequences), -1)[:, :longest]


def pack_kmers(sequences: Sequence[str], k: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Pack the k-mers of each sequence.

    Returns words, uint64 (words of a k-mer, sequences, slots), and the number of k-mers of each sequence, int64
    (sequences,). Slots from that number on are filling. ValueError where a symbol is not of `SYMBOLS`.
    """
    text = symbol_matrix(sequences)
    codes = _CODES[text]
    if (codes == _UNKNOWN_CODE).any():
        row, column = np.argwhere(codes == _UNKNOWN_CODE)[0]
        raise ValueError(f"sequence {row} holds {chr(text[row, column])!r}; known symbols are {SYMBOLS}")
    slots = kmer_count(codes.shape[1], k, stride)
    words = np.zeros((-(-k // SYMBOLS_PER_WORD), len(sequences), slots), dtype=np.uint64)
    span = stride * (slots - 1) + 1
    for offset in range(k if slots else 0):
        word = words[offset // SYMBOLS_PER_WORD]
        word <<= np.uint64(BITS)
        word |= codes[:, offset : offset + span : stride]
    counts = np.array([kmer_count(len(sequence), k, stride) for sequence in sequences], dtype=np.int64)
    return words, counts


def unpack_kmers(words: np.ndarray, k: int) -> list[str]:
    """The k-mers of packed words, uint64 (words of a k-mer, k-mers)."""
    symbols = np.frombuffer(SYMBOLS.encode(), dtype=np.uint8)
    text = np.empty((words.shape[1], k), dtype=np.uint8)
    rest = words.copy()
    for offset in reversed(range(k)):
        word = rest[offset // SYMBOLS_PER_WORD]
        text[:, offset] = symbols[word & np.uint64(len(SYMBOLS) - 1)]
        word >>= np.uint64(BITS)
    return [row.tobytes().decode() for row in text]


def count_distinct(words: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct columns of packed words (words of a k-mer, m), sorted as the k-mers, and the sums of their `counts`."""
    order = np.lexsort(words[::-1])
    words, counts = words[:, order], counts[order]
    first = np.ones(words.shape[1], dtype=bool)
    first[1:] = (words[:, 1:] != words[:, :-1]).any(axis=0)
    starts = np.flatnonzero(first)
    return words[:, starts], np.add.reduceat(counts, starts) if starts.size else counts


class KmerIndex:
    """Exact look-up of packed k-mers in a sorted set of them.

    Word by word: a k-mer's rank after word i follows from its rank after word i-1 and the rank of word i among all
    i-th words, which together fit in 64 bits.
    """

    def __init__(self, words: np.ndarray):
        """`words`: distinct packed k-mers in sorted order, uint64 (words of a k-mer, k-mers)."""
        self._first, rank = np.unique(words[0], return_inverse=True)
        self._next = []
        for word in words[1:]:
            symbols, ranks = np.unique(word, return_inverse=True)
            pairs, rank = np.unique(rank * len(symbols) + ranks, return_inverse=True)
            self._next.append((symbols, pairs))

    def ranks(self, words: np.ndarray) -> np.ndarray:
        """0-based rank of each k-mer of `words` (words of a k-mer, ...) in the set, int64 (...); -1 where absent."""
        rank = _rank(self._first, words[0])
        for (symbols, pairs), word in zip(self._next, words[1:], strict=True):
            ranks = _rank(symbols, word)
            rank = _rank(pairs, np.where((rank < 0) | (ranks < 0), -1, rank * len(symbols) + ranks))
        return rank


def _rank(table: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Position of each value in a sorted table, -1 where it is not there."""
    if not table.size:
        return np.full(values.shape, -1)
    position = np.searchsorted(table, values)
    np.minimum(position, len(table) - 1, out=position)
    position[table[position] != values] = -1
    return position
