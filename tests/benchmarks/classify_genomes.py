"""`snakemake classify` against `bwa mem` and the model's forward passes alone, on the same genomes.

    PYTHONPATH=workflow/scripts python tests/benchmarks/classify_genomes.py RUN CONFIGFILE [GENOMES]

RUN is the folder of a finished run, results/NAME, whose model classifies GENOMES (10,000 if not given) simulated ones,
in a copy of the workflow that has the model and nothing else. Prints seconds on the clock of all of it; of `bwa mem`
on the same tiles, output thrown away; and of the forward passes alone, as a plain loop does them and with the settings
of our jobs.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from genomes_to_spikes import ROOT, THREADS, simulate
from transformers import BertForSequenceClassification

from spikegeometry.dataset.encoding import open_split
from spikegeometry.evaluation.abstention import read_abstention
from spikegeometry.genomes.fasta import read_fasta
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.data import EncodedRows, batches_by_length, pad
from spikegeometry.model.prediction import logits
from spikegeometry.model.runtime import prepare
from spikegeometry.spikes.tiles import cut_tiles

TILE_LENGTH, TILE_OVERLAP, BATCH_SIZE = 150, 50, 16


def seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def align_alone(folder: Path, fasta: Path) -> None:
    """`bwa mem` on the tiles of the genomes, which are written before the clock starts."""
    tiles = folder / "tiles.fasta"
    with tiles.open("w", encoding="ascii") as file:
        for number, record in enumerate(read_fasta(fasta)):
            for start, tile in cut_tiles(record.sequence, TILE_LENGTH, TILE_OVERLAP):
                file.write(f">{number}:{start}\n{tile}\n")
    (reference,) = folder.glob("results/*/reference/genome.fasta")
    command = ["bwa", "mem", "-t", str(THREADS), str(reference), str(tiles)]

    def run() -> None:
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    print(f"bwa mem alone\t{seconds(run):.1f} s", flush=True)


@torch.inference_mode()
def read_all(model: BertForSequenceClassification, rows: EncodedRows) -> None:
    """The model on every gene, those that are equal included."""
    for batch in batches_by_length(rows.lengths, BATCH_SIZE):
        model(**pad([rows[row] for row in batch]))


def main(run: Path, configfile: Path, genomes: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for part in ("workflow", "resources", "envs", "config"):
            shutil.copytree(ROOT / part, folder / part)
        target = folder / "results" / run.name / "model"
        target.mkdir(parents=True)
        shutil.copytree(run / "model/finetuned", target / "finetuned")
        shutil.copy2(run / "model/abstention.json", target)
        shutil.copy2(configfile, folder / "given.yaml")
        simulate(folder, genomes)
        query = folder / "query.fasta.zst"
        (folder / "accepted.fasta.zst").rename(query)
        command = [sys.executable, "-m", "snakemake", "classify", "--cores", "2", "--configfile", "given.yaml"]
        command += ["--config", f"query={query}"]

        def classify() -> None:
            subprocess.run(command, cwd=folder, env=os.environ, check=True, capture_output=True)

        print(f"{genomes} genomes classified\t{seconds(classify):.1f} s", flush=True)
        align_alone(folder, query)
        torch.set_num_threads(THREADS)
        (split,) = folder.glob("results/*/dataset/query.*.arrow")
        table = open_split(split)
        rows = EncodedRows(table)
        model = load_classifier(target / "finetuned", read_abstention(target / "abstention.json").classes, "cpu")
        print(f"forward passes alone\t{seconds(lambda: read_all(model, rows)):.1f} s, of {len(rows)} genes")
        prepare("cpu", THREADS)
        print(f"the same with our settings\t{seconds(lambda: read_all(model, rows)):.1f} s")
        print(f"of distinct genes alone\t{seconds(lambda: logits(model, table, BATCH_SIZE)):.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 10_000)
