"""Speed of the FASTA reader: python tests/benchmarks/read_fasta.py [FILE].

Prints megabytes of decompressed sequence a second on one core; without a file, for synthetic genomes in each
compression.
"""

import gzip
import lzma
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import zstandard

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow/scripts"))
from spikegeometry.genomes.fasta import read_fasta

GENOMES = 4000


def synthetic_genomes() -> bytes:
    """Genomes of 29,900 bases in lines of 60, which differ from each other at ten sites."""
    rng = np.random.default_rng(1)
    ancestor = rng.choice(np.frombuffer(b"ACGT", np.uint8), 29_900)
    records = []
    for number in range(GENOMES):
        genome = ancestor.copy()
        genome[rng.integers(len(genome), size=10)] = ord("T")
        lines = np.pad(genome, (0, -len(genome) % 60), constant_values=ord("A")).reshape(-1, 60)
        ended = np.pad(lines, ((0, 0), (0, 1)), constant_values=ord("\n"))
        records.append(f">genome/{number} synthetic\n".encode() + ended.tobytes())
    return b"".join(records)


def measure(path: Path, what: str) -> None:
    started = time.perf_counter()
    bases = sum(len(record.sequence) for record in read_fasta(path))
    seconds = time.perf_counter() - started
    print(f"{what}\t{bases / 1e6:.0f} MB\t{seconds:.2f} s\t{bases / 1e6 / seconds:.0f} MB/s")


if len(sys.argv) > 1:
    measure(Path(sys.argv[1]), sys.argv[1])
    # In bytes on macOS, in kilobytes on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(f"peak memory\t{peak / 1e6:.0f} MB")
else:
    data = synthetic_genomes()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "genomes"
        for name, compress in (
            ("plain", bytes),
            ("gzip", lambda text: gzip.compress(text, 6)),
            ("xz", lambda text: lzma.compress(text, preset=1)),
            ("zstd", zstandard.compress),
        ):
            file.write_bytes(compress(data))
            measure(file, name)
