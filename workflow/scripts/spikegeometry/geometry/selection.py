"""Which layers, heads and classes an analysis takes."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from spikegeometry.errors import InputError

T = TypeVar("T")


def choose(wanted: Sequence[T], available: Iterable[T], key: str) -> list[T]:
    """The wanted members of `available`, in its order; an empty list wants all.

    Raises InputError where one does not exist; `key` is the config key that asks for it.
    """
    available = list(available)
    for member in wanted:
        if member not in available:
            raise InputError(
                f"Config key {key}: {member} does not exist.\nThere are: {', '.join(map(str, available))}."
            )
    return [member for member in available if not wanted or member in wanted]
