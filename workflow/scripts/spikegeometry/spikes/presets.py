"""How near to the reference genomes are: what bwa and the realignment of indels ask of them."""

from typing import NamedTuple


class Preset(NamedTuple):
    """Scores of alignments: what a base that matches gains, and what a mismatch and a gap cost.

    A gap of n bases costs gap_open + n * gap_extend. bwa: options of bwa mem. bridges: whether bases between two blocks
    on one diagonal stand there whatever they are.
    """

    bwa: tuple[str, ...] = ()
    match: int = 1
    mismatch: int = -4
    gap_open: int = 6
    gap_extend: int = 1
    bridges: bool = False

    def gap_cost(self, length: int) -> int:
        """What a gap takes from the score of an alignment."""
        return self.gap_open + self.gap_extend * length if length else 0


# The scores of bwa mem, except that an ambiguous symbol speaks neither for nor against a place.
DEFAULT = Preset()
# For genomes that differ from the reference in up to a third of their bases: seeds are short, and a mismatch or a gap
# costs no more than some matches gain.
DIVERGENT = Preset(
    bwa=("-k", "9", "-B", "1", "-O", "3", "-E", "1", "-L", "1", "-T", "20", "-W", "12"),
    mismatch=-1,
    gap_open=3,
    bridges=True,
)
PRESETS = {"default": DEFAULT, "divergent": DIVERGENT}
