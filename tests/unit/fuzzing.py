"""What the fuzz tests share: how many examples, and what a file of sequences holds, counted letter by letter."""

import os

from hypothesis import HealthCheck, settings

# Few in CI; SPIKEGEOMETRY_FUZZ=5000 for a long search.
EXAMPLES = int(os.environ.get("SPIKEGEOMETRY_FUZZ", 40))
fuzzed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
BASES = b"ACGTRYSWKMBDHVNUacgtryswkmbdhvnu- \t\r\n\v\f"


def count_headers(data: bytes) -> int:
    """Records of a FASTA text: a `>` that is not within a header begins one. 0 where it is no FASTA.

    A header ends with its line. Where that has a carriage return alone, the rest may be bases or still the header: a
    `>` ends it behind bases or a line's end.
    """
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    while data.startswith(b";"):
        data = _after_line(data)
    if not data.startswith(b">"):
        return 0
    count, state, last, bases = 0, "sequence", "", True
    for letter in data:
        if letter == ord(">") and (state == "sequence" or (state == "unclear" and (bases or last == "\r"))):
            count, state = count + 1, "header"
        elif letter == ord("\n"):
            state = "sequence"
        elif letter == ord("\r") and state == "header":
            state, bases = "unclear", True
        elif state == "unclear" and letter not in BASES:
            bases = False
        if letter not in b" \t":
            last = chr(letter)
    return count


def _after_line(data: bytes) -> bytes:
    ends = [place for place in (data.find(b"\n"), data.find(b"\r")) if place >= 0]
    return data[min(ends) :].lstrip() if ends else b""
