"""A small training for the tests, and a process that is killed in the middle of it.

As a script: train into a folder and die by SIGKILL when a number of examples has been made.
"""

import os
import signal
import sys
from pathlib import Path

import pandas as pd
from transformers import PreTrainedModel

from spikegeometry.model.classifier import new_classifier
from spikegeometry.model.data import EncodedRows, Examples, collate
from spikegeometry.model.finetuning import labelled_examples
from spikegeometry.model.runtime import prepare
from spikegeometry.model.training import train
from tiny_bert import CLASSES, split_table

TRAINING, VALIDATION = split_table(25, lengths=(6, 12), seed=1), split_table(9, lengths=(6, 12), seed=2)
SETTINGS = {"epochs": 4, "batch_size": 4, "learning_rate": 0.005, "weight_decay": 0.01, "patience": 0}


def examples(table, unknown_probability: float) -> Examples:
    return labelled_examples(EncodedRows(table), table["label"].to_numpy(), unknown_probability, seed=5)


def collate_all(table) -> dict:
    """All rows of a table in one batch."""
    return collate([examples(table, 0.0)[row] for row in range(table.num_rows)])


def run(
    start: Path, checkpoints: Path, checkpoint_seconds: float, die_at: int | None = None, seed: int = 5, **settings
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
        device=prepare("cpu", threads=1),
        precision="auto",
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


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), die_at=int(sys.argv[4]))
