"""Genomes to spikes against `bwa mem` alone.

    PYTHONPATH=workflow/scripts python tests/benchmarks/genomes_to_spikes.py [GENOMES ...]

For each number of genomes (500 and 2,000 if none is given) prints what `bwa mem` takes alone, on the same tiles and
with the same threads, its output thrown away, and what the whole way takes, one step and one shard after the other:
seconds, and CPU seconds, which other work on the machine disturbs less. Then, for each step, the peak memory of all
its processes together. Alignment alone and the whole way are timed in turn, and the best of the repetitions counts.
Starting Python is not counted.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from spikegeometry.genomes.fasta import fasta_writer, read_fasta, read_single
from spikegeometry.spikes.alignment import align_shard
from spikegeometry.spikes.extraction import extract_spikes
from spikegeometry.spikes.shards import shard_genomes
from spikegeometry.spikes.storage import gather_spikes
from spikegeometry.spikes.tiles import cut_tiles, tile_name
from spikegeometry.tables import row_writer

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "resources/NC_045512.2.fasta"
START, END = 21563, 25384
TILE_LENGTH, TILE_OVERLAP = 150, 50
THREADS, SHARDS = 2, 4
REPETITIONS = 3
# Deletions (0-based start, end) of alpha, delta, lambda and omicron.
LINEAGES = [[(21764, 21770), (21990, 21993)], [(22028, 22034)], [(22298, 22319)], [(21632, 21641), (21990, 21993)], []]


def simulate(folder: Path, genomes: int) -> None:
    """Genomes with the deletions of a lineage, 40 substitutions, 2 ambiguous bases and an amplicon lost in a third."""
    rng = np.random.default_rng(1)
    reference = np.frombuffer(read_single(REFERENCE).sequence.encode(), np.uint8)
    with (
        fasta_writer(folder / "accepted.fasta.zst") as write,
        row_writer(folder / "accepted.tsv", ("accession", "class")) as rows,
    ):
        for number in range(genomes):
            genome = reference.copy()
            genome[rng.integers(len(genome), size=40)] = rng.choice(np.frombuffer(b"ACGT", np.uint8), 40)
            genome[rng.integers(len(genome), size=2)] = ord("R")
            if rng.random() < 1 / 3:
                start = rng.integers(len(genome))
                genome[start : start + 400] = ord("N")
            kept = np.ones(len(genome), bool)
            for start, end in LINEAGES[number % len(LINEAGES)]:
                kept[start:end] = False
            write(f"genome {number}", genome[kept].tobytes().decode())
            rows.writerow((f"genome {number}", "other"))


def write_tiles(folder: Path) -> None:
    with open(folder / "tiles.fasta", "w") as file:
        for ordinal, record in enumerate(read_fasta(folder / "accepted.fasta.zst")):
            for tile in cut_tiles(record.sequence, TILE_LENGTH, TILE_OVERLAP):
                file.write(f">{tile_name(ordinal, tile.start)}\n{tile.sequence}\n")


def paths(folder: Path, suffix: str) -> list[Path]:
    return [folder / f"{shard}.{suffix}" for shard in range(SHARDS)]


def run_bwa(folder: Path) -> None:
    command = ["bwa", "mem", "-v", "1", "-t", str(THREADS), folder / "genome.fasta", folder / "tiles.fasta"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def shard(folder: Path) -> None:
    shard_genomes(
        folder / "accepted.fasta.zst", folder / "accepted.tsv", paths(folder, "fasta.zst"), paths(folder, "tsv")
    )


def align(folder: Path) -> None:
    for fasta, table, bam, index in zip(
        *(paths(folder, suffix) for suffix in ("fasta.zst", "tsv", "bam", "bam.bai")), strict=True
    ):
        align_shard(fasta, table, folder / "genome.fasta", bam, index, TILE_LENGTH, TILE_OVERLAP, THREADS)


def extract(folder: Path) -> None:
    for fasta, table, bam, spikes, rejected in zip(
        *(paths(folder, suffix) for suffix in ("fasta.zst", "tsv", "bam", "parquet", "rejected.tsv")), strict=True
    ):
        extract_spikes(
            fasta,
            table,
            bam,
            folder / "genome.fasta",
            START,
            END,
            TILE_LENGTH,
            TILE_OVERLAP,
            min_covered_fraction=0.9,
            max_n_fraction=0.3,
            spikes=spikes,
            rejected=rejected,
        )


def gather(folder: Path) -> None:
    gather_spikes(
        paths(folder, "parquet"), paths(folder, "rejected.tsv"), folder / "spikes.parquet", folder / "rejected.tsv"
    )


STEPS = (shard, align, extract, gather)


def measure(function: Callable[[Path], None], folder: Path) -> np.ndarray:
    """Seconds, CPU seconds and peak megabytes of a function in a process of its own, with all that it starts."""
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=time_function, args=(function, folder, sender))
    process.start()
    peak = 0.0
    while process.is_alive():
        peak = max(peak, resident_megabytes(process.pid))
        process.join(0.05)
    if process.exitcode:
        sys.exit(f"{function.__name__} failed")
    return np.array([*receiver.recv(), peak])


def time_function(function: Callable[[Path], None], folder: Path, sender: Connection) -> None:
    started, cpu = time.perf_counter(), sum(os.times()[:4])
    function(folder)
    sender.send((time.perf_counter() - started, sum(os.times()[:4]) - cpu))


def resident_megabytes(root: int) -> float:
    """Resident memory of a process and of the programs that it runs."""
    processes = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, fields = (folder / "stat").read_text().partition("(")[2].rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        parent, pages = (int(fields.split()[at]) for at in (1, 21))
        processes[int(folder.name)] = (parent, name, pages)

    def runs_below(process: int) -> bool:
        # A child that still has our name is about to become a program, and its memory is ours.
        if process not in processes or processes[process][1] == processes[root][1]:
            return False
        parent = processes[process][0]
        return parent == root or runs_below(parent)

    counted = [root, *filter(runs_below, processes)] if root in processes else []
    return sum(processes[process][2] for process in counted) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    print("          seconds                    CPU seconds                 peak memory (MB)")
    print("genomes   bwa      all      ratio    bwa      all      ratio  " + "".join(f"{f.__name__:>9}" for f in STEPS))
    for genomes in map(int, sys.argv[1:] or ("500", "2000")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "genome.fasta").write_bytes(REFERENCE.read_bytes())
            subprocess.run(["bwa", "index", folder / "genome.fasta"], check=True, stderr=subprocess.DEVNULL)
            simulate(folder, genomes)
            write_tiles(folder)
            runs = np.array([[measure(function, folder) for function in (run_bwa, *STEPS)] for _ in range(REPETITIONS)])
        line = f"{genomes:7,}"
        for unit in (0, 1):
            alone, whole = runs[:, 0, unit].min(), runs[:, 1:, unit].sum(axis=1).min()
            line += f"   {alone:6.2f}   {whole:6.2f}   {whole / alone:6.2f}"
        print(line, "".join(f"{peak:9.0f}" for peak in runs[:, 1:, 2].max(axis=0)), flush=True)


if __name__ == "__main__":
    main()
