"""What the fuzz tests share: how many examples, and what a file of sequences holds, counted letter by letter."""

import os

from hypothesis import HealthCheck, settings

# Few in CI; SPIKEGEOMETRY_FUZZ=5000 for a long search.
EXAMPLES = int(os.environ.get("SPIKEGEOMETRY_FUZZ", 40))
fuzzed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def count_headers(data: bytes) -> int:
    """Records of a FASTA text: a `>` that is not within a header begins one. 0 where it is no FASTA."""
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    while data.startswith(b";"):
        data = _after_line(data)
    if not data.startswith(b">"):
        return 0
    count, in_header = 0, False
    for letter in data:
        if in_header:
            in_header = letter not in b"\r\n"
        elif letter == ord(">"):
            count, in_header = count + 1, True
    return count


def _after_line(data: bytes) -> bytes:
    ends = [place for place in (data.find(b"\n"), data.find(b"\r")) if place >= 0]
    return data[min(ends) :].lstrip() if ends else b""
