"""Speed and memory of the reader of GISAID's feed: python tests/benchmarks/read_feed.py [MEGABYTES ...].

Prints megabytes of decompressed JSON a second on one core and the peak memory, for a feed of which one record in a
hundred is asked for and for one of which all are, at each size.
"""

import json
import lzma
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from fresh_process import in_fresh_process, peak_megabytes

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow/scripts"))
from spikegeometry.genomes.compression import open_decompressed
from spikegeometry.genomes.gisaid import read_feed_lines


def write_feed(path: Path, megabytes: int) -> int:
    """Write a feed of about this size; the number of its records."""
    rng = np.random.default_rng(1)
    ancestor = rng.choice(np.frombuffer(b"ACGT", np.uint8), 29_900)
    size = number = 0
    with lzma.open(path, "wb", preset=0) as file:
        while size < megabytes * 1e6:
            number += 1
            genome = ancestor.copy()
            genome[rng.integers(len(genome), size=10)] = ord("T")
            record = {
                "covv_virus_name": f"hCoV-19/x/{number}",
                "covv_accession_id": f"EPI_ISL_{number}",
                "covv_collection_date": "2021-02-03",
                "covv_location": "Europe / Peru",
                "covv_lineage": "B.1.1.7",
                "covv_clade": "GRY",
                "is_complete": True,
                "is_high_coverage": True,
                "n_content": 0.01,
                "sequence": genome.tobytes().decode(),
            }
            size += file.write(json.dumps(record).encode() + b"\n")
    return number


def measure(path: Path, megabytes: int, records: int, every: int) -> None:
    wanted = {f"EPI_ISL_{number}": None for number in range(1, records + 1, every)}
    started = time.perf_counter()
    with open_decompressed(path) as content:
        found = sum(1 for _ in read_feed_lines(content, wanted, 10**12))
    seconds = time.perf_counter() - started
    speed = f"{megabytes / seconds:.0f} MB/s\tpeak {peak_megabytes():.0f} MB"
    print(f"{megabytes} MB\t{found} of {records}\t{speed}", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        feed = Path(folder) / "feed.xz"
        for size in [int(text) for text in sys.argv[1:]] or [100]:
            total = write_feed(feed, size)
            for step in (100, 1):
                in_fresh_process(measure, feed, size, total, step)
