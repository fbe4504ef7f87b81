"""A small training for the tests, in this process or in others.

As a script: train in so many processes and save model and history beside the checkpoints; or, where a number of
examples is given, die by SIGKILL when a process has made so many.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import torch
from transformers import PreTrainedModel

from spikegeometry.model.classifier import new_classifier
from spikegeometry.model.data import Examples, collate
from spikegeometry.model.finetuning import labelled_examples
from spikegeometry.model.folders import save_model
from spikegeometry.model.runtime import prepare, start_processes
from spikegeometry.model.training import leave_to_the_first, train
from spikegeometry.tables import write_tsv
from tiny_bert import CLASSES, split_table

TRAINING, VALIDATION = split_table(25, lengths=(6, 12), seed=1), split_table(9, lengths=(6, 12), seed=2)
SNAPSHOTS = 5
HERE = Path(__file__).resolve()
SETTINGS = {"epochs": 4, "batch_size": 4, "learning_rate": 0.005, "weight_decay": 0.01, "patience": 0}


def examples(table, unknown_probability: float) -> Examples:
    return labelled_examples(table, unknown_probability, seed=5, longest=64)


def collate_all(table) -> dict:
    """All rows of a table in one batch."""
    return collate([examples(table, 0.0)[row] for row in range(table.num_rows)])


def run(
    start: Path,
    checkpoints: Path,
    checkpoint_seconds: float,
    die_at: int | None = None,
    seed: int = 5,
    device: torch.device | None = None,
    snapshots: int = SNAPSHOTS,
    **settings,
) -> tuple[PreTrainedModel, pd.DataFrame]:
    training = examples(TRAINING, 0.2)
    if die_at is not None:
        training.make = _deadly(training.make, die_at)
    return train(
        new_classifier(start, CLASSES, seed),
        training,
        examples(VALIDATION, 0.0),
        SETTINGS | settings,
        phase="finetune",
        seed=seed,
        device=device or prepare("cpu", threads=1),
        precision="auto",
        snapshots=snapshots,
        checkpoints=checkpoints,
        checkpoint_seconds=checkpoint_seconds,
    )


def _deadly(make, die_at: int):
    made = 0

    def make_or_die(row, generator):
        nonlocal made
        made += 1
        if made > die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return make(row, generator)

    return make_or_die


def run_apart(
    start: Path, folder: Path, checkpoint_seconds: float, die_at: int = 0, processes: int = 1
) -> subprocess.CompletedProcess:
    """`run` in processes of their own: model and history.tsv are in `folder`, beside the checkpoints."""
    paths = [HERE.parent, HERE.parents[2] / "workflow" / "scripts"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths)), "OMP_NUM_THREADS": "1"}
    # Else accelerate numbers the CPU of each process, and the state of an optimizer cannot be read to `cpu:1`.
    environment["ACCELERATE_TORCH_DEVICE"] = "cpu"
    arguments = [str(start), str(folder), str(checkpoint_seconds), str(die_at), str(processes)]
    command = [sys.executable, str(HERE), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    given, folder, seconds, limit, count = sys.argv[1:]
    if int(count) > 1:
        start_processes(int(count))
    model, history = run(Path(given), Path(folder, "checkpoints"), float(seconds), die_at=int(limit) or None)
    leave_to_the_first()
    save_model(model, folder)
    write_tsv(history, Path(folder, "history.tsv"))
