"""The training loop of both phases: Hugging Face's Trainer, made resumable to the bit.

A run that is killed and started again ends with the weights of an unbroken one: order and content of the batches
follow from seed and epoch (`data.Examples`), dropout from seed and step (`_Reproducible`), and the rest is in the
checkpoint. Checkpoints are the Trainer's; it reads its optimiser state back with `weights_only=True`.
"""

import hashlib
import json
import logging
import math
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from accelerate import PartialState
from accelerate.utils import broadcast
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset
from transformers import PreTrainedModel, PrinterCallback, Trainer, TrainerCallback, TrainerState, TrainingArguments

from spikegeometry.dataset.encoding import OTHER_LABEL
from spikegeometry.errors import InputError, writing
from spikegeometry.logs import pace
from spikegeometry.model.data import NOT_A_TARGET, Examples, collate
from spikegeometry.model.folders import save_model
from spikegeometry.model.runtime import compile_model, number_format, processes

LOG_ENTRIES = 100
CHECKPOINT_SECONDS = 600.0
STATE = "trainer_state.json"
SNAPSHOTS = "snapshots"
METRICS = {
    "loss": ("train", "loss"),
    "learning_rate": ("train", "learning_rate"),
    "eval_target_loss": ("validation", "loss"),
    "eval_loss_error": ("validation", "loss_error"),
    "eval_accuracy": ("validation", "accuracy"),
}

logger = logging.getLogger(__name__)


class NotFinite(InputError):
    """No epoch of a training has a finite validation loss."""


def fingerprint(files: list[str | Path], settings: dict) -> str:
    """Sixteen hexadecimal digits of the contents of files and of settings: the name of the checkpoints they lead to."""
    total = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in files:
        with open(path, "rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:16]


def train(
    model: PreTrainedModel,
    training: Examples,
    validation: Examples,
    settings: dict,
    *,
    phase: str,
    seed: int,
    device: torch.device,
    precision: str,
    compiled: bool = False,
    snapshots: int = 0,
    checkpoints: Path,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> tuple[PreTrainedModel, pd.DataFrame]:
    """Train and return the model of the last epoch, or of that with the lowest validation loss (`kept_step`), and the
    history.

    A sequence with the label OTHER_LABEL is of none of the classes: its answer is the same probability of each.

    `settings` holds `epochs`, `batch_size` and `learning_rate`, and may hold `weight_decay`, `adam_epsilon`, `warmup`
    (a share of the steps), `max_grad_norm` and `patience` (epochs; 0 never stops early). Resumes from what is in
    `checkpoints`, which must be a folder of these very inputs and settings (`fingerprint`); checkpoints are written at
    the end of each epoch and every `checkpoint_seconds`. `snapshots` (`snapshot_steps`) are kept there too, until
    `copy_snapshots` takes them.

    Several processes (`runtime.start_processes`) share each batch and train one model, which each of them returns.

    The history has the columns phase, step, epoch, split, metric (loss, loss_error, accuracy, learning_rate), value and
    kept (whether the weights of this step are those that are returned). A loss is the mean over all targets of a batch
    or of the split, and loss_error its standard error over the sequences; accuracy is of the targets that have a class.

    Raises NotFinite where the validation loss is never finite.
    """
    steps = math.ceil(settings["epochs"] * math.ceil(len(training) / settings["batch_size"]))
    patience = settings.get("patience", 0)
    gpu, multiplied_in = device.type == "cuda", number_format(precision, device)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(checkpoints),
            num_train_epochs=settings["epochs"],
            per_device_train_batch_size=settings["batch_size"] // processes(),
            per_device_eval_batch_size=settings["batch_size"] // processes(),
            learning_rate=settings["learning_rate"],
            weight_decay=settings.get("weight_decay", 0.0),
            adam_epsilon=settings.get("adam_epsilon", 1e-8),
            max_grad_norm=settings.get("max_grad_norm", 1.0),
            lr_scheduler_type="linear",
            warmup_steps=math.ceil(settings.get("warmup", 0.1) * steps),
            eval_strategy="epoch",
            save_strategy="epoch",
            # That of the lowest validation loss, and the last.
            save_total_limit=2,
            metric_for_best_model="target_loss",
            greater_is_better=False,
            logging_steps=max(1, steps // LOG_ENTRIES),
            # Would ask the GPU for the loss of every step, and wait for it.
            logging_nan_inf_filter=False,
            seed=seed,
            data_seed=seed,
            use_cpu=not gpu,
            bf16=multiplied_in == torch.bfloat16,
            fp16=multiplied_in == torch.float16,
            # Without workers: an example is made in under 0.1 ms, and the GPU computes meanwhile.
            dataloader_pin_memory=gpu,
            accelerator_config={"non_blocking": gpu},
            ddp_find_unused_parameters=False,
            disable_tqdm=True,
            label_names=["labels"],
            # Else the labels of the whole split would be kept until its end.
            batch_eval_metrics=True,
            report_to="none",
        ),
        train_dataset=_WholeBatches(training, settings["batch_size"]),
        eval_dataset=validation,
        data_collator=collate,
        compute_loss_func=_loss,
        compute_metrics=_Metrics(),
        preprocess_logits_for_metrics=_scores,
        callbacks=[
            _Reproducible(training, seed),
            _Checkpoints(checkpoint_seconds),
            _Snapshots(checkpoints / SNAPSHOTS, snapshot_steps(steps, snapshots)),
            _Patience(patience),
            _Log(phase),
        ],
    )
    trainer.remove_callback(PrinterCallback)
    if compiled:
        compile_model(model)

    with trainer.args.main_process_first():
        checkpoint = latest_checkpoint(checkpoints)
    state = TrainerState.load_from_json(str(checkpoint / STATE)) if checkpoint else None
    if state is not None:
        logger.info("%s: going on from step %d of %d", phase, state.global_step, steps)
    if state is None or not (state.global_step >= steps or is_exhausted(state.log_history, patience)):
        with writing(checkpoints):
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        state = trainer.state
    kept = kept_step(state.log_history, steps)
    if kept is None:
        raise NotFinite(
            f"The validation loss of phase {phase} was never finite.\n"
            "Lower its learning_rate under the config key model, or take `model.precision: fp32`."
        )
    logger.info(
        "%s: the lowest validation loss is %.4f, at step %d; the weights of step %d are kept",
        phase, state.best_metric, state.best_global_step, kept,
    )  # fmt: skip
    return type(model).from_pretrained(checkpoints / f"checkpoint-{kept}"), history(state.log_history, phase, kept)


def leave_to_the_first() -> None:
    """End every process but the first of those that share a training: what follows is for one alone."""
    state = PartialState()
    first = state.is_main_process
    state.destroy_process_group()
    if not first:
        # Not sys.exit: torch takes the process group down while it holds the interpreter's lock, and can wait for ever
        # for a thread that waits for that lock.
        os._exit(0)


def snapshot_steps(steps: int, count: int) -> list[int]:
    """The steps of a training of `steps` at which up to `count` snapshots are taken: the start, the end, and between
    them at about equal distances on a logarithmic scale."""
    return [0, *np.unique(np.geomspace(1, steps, count - 1).round().astype(int)).tolist()] if count else []


def copy_snapshots(checkpoints: Path, target: str | Path) -> None:
    """Copy the snapshots of a training, model folders called step-0000000 by their steps, into the new folder `target`.

    The folder is empty where none were taken.
    """
    Path(target).mkdir(parents=True)
    with writing(target):
        for folder in sorted((checkpoints / SNAPSHOTS).glob("step-*")):
            shutil.copytree(folder, Path(target, folder.name))


def latest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of the highest step that was written whole; those cut short are removed."""
    whole = []
    for checkpoint in Path(folder).glob("checkpoint-*"):
        try:
            # The Trainer writes its state last.
            json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
            whole.append(checkpoint)
        except (FileNotFoundError, json.JSONDecodeError):
            shutil.rmtree(checkpoint)
    return max(whole, key=lambda path: int(path.name.split("-")[1]), default=None)


def is_exhausted(log: list[dict], patience: int) -> bool:
    """Whether the last `patience` evaluations brought no lower validation loss; never where `patience` is 0."""
    losses = [entry["eval_target_loss"] for entry in log if "eval_target_loss" in entry]
    return bool(patience and losses) and len(losses) - 1 - int(np.argmin(losses)) >= patience


def kept_step(log: list[dict], steps: int) -> int | None:
    """The step whose weights are kept of a training of `steps`; None where no validation loss is finite.

    It is the last, at whose rate of learning near 0 the weights have come to rest, unless its validation loss is higher
    than the lowest by more than the standard error of that: then it is the step of the lowest. So the noise of a small
    validation split does not choose (the one-standard-error rule; Breiman et al. 1984, section 3.4.3). Of a training
    that patience ended before its time it is the step of the lowest.
    """
    evaluated = [entry for entry in log if "eval_target_loss" in entry]
    finite = [entry for entry in evaluated if math.isfinite(entry["eval_target_loss"])]
    if not finite:
        return None
    lowest, last = min(finite, key=lambda entry: entry["eval_target_loss"]), evaluated[-1]
    as_low = last["eval_target_loss"] <= lowest["eval_target_loss"] + lowest["eval_loss_error"]
    return (last if as_low and last["step"] >= steps else lowest)["step"]


def history(log: list[dict], phase: str, kept: int) -> pd.DataFrame:
    """The Trainer's log as a long table, in which a step is kept."""
    rows = [
        (phase, entry["step"], entry["epoch"], *names, entry[key], "yes" if entry["step"] == kept else "no")
        for entry in log
        for key, names in METRICS.items()
        if key in entry
    ]
    return pd.DataFrame(rows, columns=["phase", "step", "epoch", "split", "metric", "value", "kept"])


class _WholeBatches(Dataset):
    """The training examples, and as many without a target as the last batch of an epoch lacks.

    Then processes can share every batch evenly, and none is given an example twice.
    """

    def __init__(self, examples: Examples, batch_size: int):
        self.examples = examples
        self.count = math.ceil(len(examples) / batch_size) * batch_size

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: int) -> dict:
        example = self.examples[row % len(self.examples)]
        if row >= len(self.examples):
            example["labels"] = np.full_like(example["labels"], NOT_A_TARGET)
        return example


def _loss(outputs, labels: Tensor, num_items_in_batch: Tensor) -> Tensor:
    """The mean over the targets of a batch, of which this process may have only a share."""
    return target_losses(*_of_targets(outputs.logits, labels)).sum() / num_items_in_batch


def target_losses(logits: Tensor, answers: Tensor) -> Tensor:
    """Loss (n,) of logits (n, K) against the answers (n,), in nats.

    Cross-entropy where the answer is a class; where it is OTHER_LABEL, the divergence of the probabilities from equal
    ones, KL(1/K || p), as outlier exposure has it (Hendrycks, Mazeika and Dietterich, arXiv 1812.04606, section 3).
    """
    log_p = functional.log_softmax(logits, dim=-1)
    of_class = functional.nll_loss(log_p, answers.clamp(min=0), reduction="none")
    return torch.where(answers == OTHER_LABEL, -log_p.mean(-1) - math.log(logits.shape[-1]), of_class)


def _scores(logits: Tensor, labels: Tensor) -> Tensor:
    """Of each sequence the sum of its targets' losses, its targets, its right answers and its targets with a class:
    (sequences, 4)."""
    logits, answers = _of_targets(logits, labels)
    losses = target_losses(logits, answers)
    scores = torch.stack([losses, torch.ones_like(losses), logits.argmax(-1) == answers, answers != OTHER_LABEL], dim=1)
    sequences = (labels != NOT_A_TARGET).nonzero()[:, 0]
    return scores.new_zeros(len(labels), 4).index_add(0, sequences, scores)


def _of_targets(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and labels of the targets alone, which are all that a masked model gives."""
    targets = labels != NOT_A_TARGET
    return logits[targets] if labels.dim() == 1 else logits, labels[targets]


class _Metrics:
    """Mean loss, its standard error and accuracy over all targets of a split, from `_scores` of its batches."""

    def __init__(self):
        self._begin()

    def _begin(self) -> None:
        # Of no dimension, so that the sums are where the scores are.
        self.sums, self.products, self.sequences = torch.zeros(()), torch.zeros(()), 0

    def __call__(self, evaluation, compute_result: bool) -> dict[str, float]:
        scores = evaluation.predictions.double()
        self.sums = self.sums + scores.sum(0)
        self.products = self.products + scores[:, :2].T @ scores[:, :2]
        self.sequences += len(scores)
        if not compute_result:
            return {}
        (loss, targets, right, of_class), products, n = self.sums.tolist(), self.products.tolist(), self.sequences
        self._begin()
        return {
            "target_loss": loss / targets,
            "loss_error": ratio_error(loss, targets, products, n),
            "accuracy": right / of_class,
        }


def ratio_error(total: float, count: float, products: list[list[float]], n: int) -> float:
    """Standard error of `total` / `count`, sums of two numbers of each of `n` sequences; 0 of a single sequence.

    `products` holds the sums of the products of both with both (2, 2). The error is that of the ratio estimator
    (Cochran 1977, section 2.11): of the residuals of the first, given the ratio and the second.
    """
    ratio = total / count
    residuals = products[0][0] - 2 * ratio * products[0][1] + ratio**2 * products[1][1]
    return math.sqrt(max(residuals, 0.0) * n / max(n - 1, 1)) / count


class _Reproducible(TrainerCallback):
    """Examples by the epoch and dropout by the step, so that no generator's state needs to survive."""

    def __init__(self, examples: Examples, seed: int):
        self.examples = examples
        self.seed = seed

    def on_epoch_begin(self, args, state, control, **kwargs):
        self.examples.epoch = int(state.epoch or 0)

    def on_step_begin(self, args, state, control, **kwargs):
        source = np.random.SeedSequence([self.seed, state.global_step, args.process_index])
        torch.manual_seed(int(source.generate_state(1)[0]))


class _Checkpoints(TrainerCallback):
    """Checkpoints inside long epochs, always just after a log entry: the history then resumes without a seam too."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.saved = time.monotonic()

    def on_step_end(self, args, state, control, **kwargs):
        if control.should_log:
            # The clock of the first process decides for all.
            due = torch.tensor(float(time.monotonic() - self.saved >= self.seconds), device=args.device)
            control.should_save = control.should_save or bool(broadcast(due))

    def on_epoch_end(self, args, state, control, **kwargs):
        control.should_log = True

    def on_save(self, args, state, control, **kwargs):
        self.saved = time.monotonic()


class _Snapshots(TrainerCallback):
    """The weights at the given steps, written into `folder`; a resumed training writes those that it passes again."""

    def __init__(self, folder: Path, steps: list[int]):
        self.folder = folder
        self.steps = steps

    def on_train_begin(self, args, state, control, **kwargs):
        self.on_step_end(args, state, control, **kwargs)

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step in self.steps and state.is_world_process_zero:
            save_model(kwargs["model"], self.folder / f"step-{state.global_step:07d}")


class _Patience(TrainerCallback):
    """Early stopping that reads the history instead of counting, hence goes on where a killed run was."""

    def __init__(self, patience: int):
        self.patience = patience

    def on_evaluate(self, args, state, control, **kwargs):
        if is_exhausted(state.log_history, self.patience):
            control.should_training_stop = True


class _Log(TrainerCallback):
    """One line for each entry of the Trainer's log, with the steps in a second and the time that is left."""

    def __init__(self, phase: str):
        self.phase = phase
        self.began = (0, 0.0)

    def on_train_begin(self, args, state, control, **kwargs):
        self.began = (state.global_step, time.monotonic())

    def on_log(self, args, state, control, logs, **kwargs):
        if "train_loss" in logs:  # the Trainer's summary; the mean over all steps says little
            return
        figures = [
            f"{name} {logs[key]:.4f}" for key, (_, name) in METRICS.items() if key in logs and name != "learning_rate"
        ]
        split = "validation" if "eval_target_loss" in logs else "training"
        where = f"step {state.global_step} of {state.max_steps}, epoch {state.epoch:.2f}"
        first, began = self.began
        # Of the steps since the training was begun or went on.
        made, total = state.global_step - first, state.max_steps - first
        figures += [pace(made, time.monotonic() - began, total)] if made else []
        logger.info("%s: %s: %s %s", self.phase, where, split, ", ".join(figures))
