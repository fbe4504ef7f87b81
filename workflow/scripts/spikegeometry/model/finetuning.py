"""Fine-tuning of the classifier: its examples, and further tries where a training did not learn the task."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from accelerate.utils import broadcast_object_list
from transformers import BertForSequenceClassification

from spikegeometry.dataset.encoding import OTHER_LABEL
from spikegeometry.errors import InputError
from spikegeometry.model.classifier import new_classifier
from spikegeometry.model.corruption import hide_runs
from spikegeometry.model.data import EncodedRows, Examples, check_lengths
from spikegeometry.model.prediction import logits
from spikegeometry.model.training import NotFinite, train

logger = logging.getLogger(__name__)

COLUMNS = (
    *("model", "try", "seed", "validation_loss", "accuracy", "baseline_accuracy", "n", "lost", "gained", "p"),
    *("learnt", "chosen"),
)


class Comparison(Protocol):
    """What a comparison of a try with the baseline tells."""

    accuracy: float
    baseline_accuracy: float
    n: int
    lost: int
    gained: int
    p: float
    learnt: bool


def labelled_examples(table: pa.Table, unknown_probability: float, seed: int, longest: int) -> Examples:
    """Examples of classification, a mean share `unknown_probability` of their tokens hidden by [UNK], in runs.

    `table` is an encoded split. Raises InputError where a row has more than `longest` tokens.
    """
    rows, labels = EncodedRows(table), table.column("label").to_numpy()
    check_lengths(table, rows.lengths, longest)

    def make(row, generator):
        ids = rows[row]
        if unknown_probability:
            ids = hide_runs(ids, generator, unknown_probability)
        return {"input_ids": ids, "labels": int(labels[row])}

    return Examples(len(rows), make, seed)


def finetune(
    pretrained: str | Path,
    classes: list[str],
    training: pa.Table,
    validation: pa.Table,
    settings: dict,
    compare: Callable[[np.ndarray], Comparison],
    *,
    name: str,
    seed: int,
    device: torch.device,
    checkpoints: Path,
    **options,
) -> tuple[BertForSequenceClassification, pd.DataFrame, pd.DataFrame]:
    """Fine-tune the encoder of a folder; try again, with another head and other batches, where it did not learn.

    Parameters
    ----------
    training, validation: encoded splits; background genomes have the label OTHER_LABEL.
    settings: as of `train`, and `tries`, the most trainings, and `unknown_probability`.
    compare: compares which validation sequences with a class (n,) are classified correctly with the baseline.
    name: of the model, for the tables. Other options are those of `train`.

    Returns the model, its history (`train`), and a table of the tries with COLUMNS. The model is that of the first try
    that learnt, else of the one with the highest accuracy on the validation split, by the lower loss among equals.

    Raises InputError where a sequence is longer than the model reads, and where no try has a finite validation loss.
    """
    of_class = validation.filter(pa.array(validation.column("label").to_numpy() != OTHER_LABEL))
    labels = of_class.column("label").to_numpy()
    best, rows = None, []
    for number in range(1, settings["tries"] + 1):
        drawn = seed if number == 1 else int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        start = new_classifier(pretrained, classes, drawn)
        longest = start.config.max_position_embeddings
        examples = (
            labelled_examples(training, settings["unknown_probability"], drawn, longest),
            labelled_examples(validation, 0.0, drawn, longest),
        )
        row = dict.fromkeys(COLUMNS) | {"model": name, "try": number, "seed": drawn, "learnt": "no", "chosen": "no"}
        rows.append(row)
        phase = name if number == 1 else f"{name}, try {number}"
        try:
            model, history = train(
                start, *examples, settings, phase=phase, seed=drawn, device=device,
                checkpoints=checkpoints / f"try{number}", **options,
            )  # fmt: skip
        except NotFinite as error:
            logger.warning("%s", error)
            continue
        outputs = logits(model.to(device).eval(), of_class, settings["batch_size"])
        # Processes that share the training must agree: the first decides for all.
        (compared,) = broadcast_object_list([compare(outputs.argmax(axis=1) == labels)])
        of_kept = history[(history["split"] == "validation") & (history["kept"] == "yes")]
        loss = of_kept.loc[of_kept["metric"] == "loss", "value"].item()
        row |= {key: getattr(compared, key) for key in ("accuracy", "baseline_accuracy", "n", "lost", "gained", "p")}
        row |= {"validation_loss": loss, "learnt": "yes" if compared.learnt else "no"}
        rows[-1] = row
        rank = (compared.learnt, compared.accuracy, -loss)
        if best is None or rank > best[0]:
            best = rank, model, history.assign(phase=name), number
        if compared.learnt:
            break
        logger.warning(
            "%s: %d of %d validation sequences are classified correctly by the linear baseline alone, %d by the "
            "network alone: it has not learnt the task", phase, compared.lost, compared.n, compared.gained,
        )  # fmt: skip
    if best is None:
        raise InputError(
            f"The validation loss of {name} was finite in none of {settings['tries']} tries.\n"
            "Lower model.finetune.learning_rate, or take `model.precision: fp32`."
        )
    _, model, history, number = best
    rows[number - 1]["chosen"] = "yes"
    return model, history, pd.DataFrame(rows, columns=COLUMNS)
