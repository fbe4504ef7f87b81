"""Speed and memory of the FASTA reader: python tests/benchmarks/read_fasta.py [MEGABYTES ...].

Prints megabytes of decompressed sequence a second on one core and the peak memory, for synthetic genomes of each size
in each compression.
"""

import gzip
import lzma
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import zstandard
from fresh_process import in_fresh_process, peak_megabytes

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow/scripts"))
from spikegeometry.genomes.fasta import read_fasta

WRITERS = {
    "plain": partial(open, mode="wb"),
    "gzip": partial(gzip.open, mode="wb", compresslevel=6),
    "xz": partial(lzma.open, mode="wb", preset=1),
    "zstd": partial(zstandard.open, mode="wb"),
}


def write_genomes(file, megabytes: int) -> None:
    """Write genomes of 29,900 bases in lines of 60, which differ from each other at ten sites."""
    rng = np.random.default_rng(1)
    ancestor = rng.choice(np.frombuffer(b"ACGT", np.uint8), 29_900)
    size = 0
    while size < megabytes * 1e6:
        genome = ancestor.copy()
        genome[rng.integers(len(genome), size=10)] = ord("T")
        lines = np.pad(genome, (0, -len(genome) % 60), constant_values=ord("A")).reshape(-1, 60)
        ended = np.pad(lines, ((0, 0), (0, 1)), constant_values=ord("\n"))
        size += file.write(f">genome/{size} synthetic\n".encode() + ended.tobytes())


def measure(path: Path, what: str) -> None:
    started = time.perf_counter()
    bases = sum(len(record.sequence) for record in read_fasta(path)) / 1e6
    seconds = time.perf_counter() - started
    print(f"{what}\t{bases:.0f} MB\t{bases / seconds:.0f} MB/s\tpeak {peak_megabytes():.0f} MB", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        genomes = Path(folder) / "genomes"
        for size in [int(text) for text in sys.argv[1:]] or [100]:
            for name, writer in WRITERS.items():
                with writer(genomes) as opened:
                    write_genomes(opened, size)
                in_fresh_process(measure, genomes, name)
