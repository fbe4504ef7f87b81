"""Cutting of genomes into overlapping tiles, the queries of the aligner.

Positions are 0-based.
"""

from collections.abc import Iterator
from typing import NamedTuple


class Tile(NamedTuple):
    """A piece of a genome that begins at `start`."""

    start: int
    sequence: str


def tile_starts(length: int, tile_length: int, tile_overlap: int) -> list[int]:
    """Starts of the tiles of a genome; the last tile ends with the genome, and so may overlap its neighbour by more."""
    last = max(0, length - tile_length)
    return [*range(0, last, tile_length - tile_overlap), last]


def cut_tiles(sequence: str, tile_length: int, tile_overlap: int) -> Iterator[Tile]:
    """Yield the tiles of a genome that hold any base; of tiles of nothing but N an aligner can say nothing."""
    for start in tile_starts(len(sequence), tile_length, tile_overlap):
        tile = sequence[start : start + tile_length]
        if tile.strip("N"):
            yield Tile(start, tile)


def tile_name(ordinal: int, start: int) -> str:
    """Name of the tile at `start` of the genome that is number `ordinal` of its shard; sorts by both."""
    return f"{ordinal:09d}:{start:07d}"


def parse_tile_name(name: str) -> tuple[int, int]:
    """Ordinal of the genome and start of the tile."""
    ordinal, start = name.split(":")
    return int(ordinal), int(start)
