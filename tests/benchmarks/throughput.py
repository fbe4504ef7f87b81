"""Tokens a second of fine-tuning, prediction and recording: ours, a bare PyTorch loop, and a plain one.

    python tests/benchmarks/throughput.py [--device cuda] [--precision bf16] [--compile] [--steps 20]

Runs alone wherever torch and transformers are, without a network: sequences are random, of a BERT-base's usual size.
Ours is measured where the library lies beside it. Each case has a process of its own, hence a peak memory of its own.

- `bare` is the least that PyTorch needs, at our batch, precision and attention (SDPA): forward, backward, clipping and
  AdamW; or one forward after another, for recording too, which it therefore does not do.
- `plain` does it as a script does that takes a model as it comes: eager attention in fp32; predictions and activations
  one sequence at a time with `output_attentions`, all of it copied to the CPU and kept.

FLOP of a forward, a sequence of n tokens: layers (8 n d^2 + 4 n d f + 4 n^2 d), the products with the four weights of
attention, the two of the feed-forward layer, and those of queries, keys and values; d is the width, f the inner width.
Training counts three times that. Embeddings, softmax and the head are left out. The peak is that of a table for GPUs,
without sparsity; elsewhere that of a large product of matrices, measured here. Activations are recorded in fp32. On a
busy machine only seconds of processors mean anything, and only with `--threads 1`: threads that wait count too.
"""

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from transformers import BertConfig, BertForSequenceClassification

LIBRARY = Path(__file__, "../../../workflow/scripts").resolve()
TASKS, SIDES = ("fine-tuning", "prediction", "recording"), ("ours", "bare", "plain")
COLUMNS = ["task", "side", "precision", "attention", "tokens/s", "step, ms", "bare = 1", "processors, ms", "bare = 1"]
COLUMNS += ["peak memory, GB", "TFLOP/s", "of the peak"]
CLASSES = [f"class {number}" for number in range(8)]
VOCABULARY, LEARNING_RATE = 4096, 2e-5
WARM_UP = 2  # batches
KEPT = 10  # sequences whose hidden states are recorded too, as many as of a class by default
FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# TFLOP/s of dense products in bf16 or fp16 (tensor cores, sums in fp32) and in fp32, from the makers' data sheets.
PEAKS = {
    "B200": (2250.0, 75.0),
    "H200": (989.0, 67.0),
    "H100 PCIe": (756.0, 51.0),
    "H100": (989.0, 67.0),
    "A100": (312.0, 19.5),
    "L40S": (362.0, 91.6),
    "L4": (121.0, 30.3),
    "A40": (150.0, 37.4),
    "A10": (125.0, 31.2),
    "RTX A6000": (155.0, 38.7),
    "RTX 4090": (165.0, 82.6),
    "RTX 3090": (71.0, 35.6),
    "V100": (125.0, 15.7),
    "T4": (65.0, 8.1),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--precision", choices=["auto", *FORMATS], default="auto", help="auto: bf16 on a GPU")
    parser.add_argument("--compile", action="store_true", help="compile ours and the bare loop, but for recording")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of the CPU")
    for name, default in (("layers", 12), ("heads", 12), ("width", 768), ("tokens", 426), ("batch", 8), ("steps", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.device == "auto":
        given.device = "cuda" if torch.cuda.is_available() else "cpu"
    if given.precision == "auto":
        given.precision = "bf16" if given.device == "cuda" else "fp32"
    return given


def new_model(given: argparse.Namespace, attention: str) -> BertForSequenceClassification:
    config = BertConfig(
        vocab_size=VOCABULARY,
        num_hidden_layers=given.layers,
        num_attention_heads=given.heads,
        hidden_size=given.width,
        intermediate_size=4 * given.width,
        max_position_embeddings=max(512, given.tokens),
        id2label=dict(enumerate(CLASSES)),
        label2id={name: number for number, name in enumerate(CLASSES)},
    )
    torch.manual_seed(0)
    return BertForSequenceClassification._from_config(config, attn_implementation=attention)


class Rows(list):
    """Arrays of token ids."""

    @property
    def lengths(self) -> np.ndarray:
        return np.array([len(ids) for ids in self])


def sequences(given: argparse.Namespace) -> Rows:
    """Random sequences, in so many batches as are run."""
    count = (WARM_UP + given.steps) * given.batch
    return Rows(np.random.default_rng(0).integers(5, VOCABULARY, (count, given.tokens)))


def encoded(given: argparse.Namespace) -> pa.Table:
    """The same sequences as an encoded split of one class."""
    from spikegeometry.dataset.encoding import SCHEMA

    rows = sequences(given)
    texts = {name: [""] * len(rows) for name in ("accession", "class", "haplotype")}
    numbers = {name: [0] * len(rows) for name in ("label", "unknown")}
    ids = [rows[row].tolist() for row in range(len(rows))]
    return pa.table(texts | numbers | {"input_ids": ids}, schema=SCHEMA)


def batches(given: argparse.Namespace, size: int) -> Iterator[dict[str, torch.Tensor]]:
    rows = sequences(given)
    for start in range(0, len(rows), size):
        ids = torch.from_numpy(np.stack(rows[start : start + size]))
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if given.device == "cuda":
            inputs = {name: tensor.pin_memory() for name, tensor in inputs.items()}
        yield {name: tensor.to(given.device, non_blocking=True) for name, tensor in inputs.items()}


def now(given: argparse.Namespace) -> np.ndarray:
    """Seconds by the clock and of processors, when all that was asked of the device is done."""
    if given.device == "cuda":
        torch.cuda.synchronize()
    return np.array([time.perf_counter(), time.process_time()])


def mean_seconds(given: argparse.Namespace, steps: Iterable, warm_up: int) -> np.ndarray:
    """Seconds of a step, as those of `now`, without those that warm up."""
    for done, _ in enumerate(steps, start=1):
        if done == warm_up:
            started = now(given)
    return (now(given) - started) / (done - warm_up)


def autocast(given: argparse.Namespace, precision: str) -> torch.autocast:
    return torch.autocast(given.device, FORMATS[precision], enabled=precision != "fp32")


# Loops without the library. Each returns the seconds of a batch, as those of `now`.


def training_loop(given: argparse.Namespace, attention: str, precision: str) -> np.ndarray:
    model = new_model(given, attention).to(given.device).train()
    if given.compile and attention == "sdpa":
        model.compile(dynamic=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, fused=True)
    scaler = torch.amp.GradScaler(given.device, enabled=precision == "fp16")

    def steps():
        for inputs in batches(given, given.batch):
            labels = torch.zeros(given.batch, dtype=torch.long, device=given.device)
            with autocast(given, precision):
                loss = model(**inputs, labels=labels).loss
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            yield

    return mean_seconds(given, steps(), WARM_UP)


def bare_forward(given: argparse.Namespace, precision: str, compiled: bool) -> np.ndarray:
    model = new_model(given, "sdpa").to(given.device).eval()
    if compiled:
        model.compile(dynamic=True)
    with torch.inference_mode(), autocast(given, precision):
        return mean_seconds(given, (model(**inputs) for inputs in batches(given, given.batch)), WARM_UP)


def plain_forward(given: argparse.Namespace, hidden_states: bool) -> np.ndarray:
    model = new_model(given, "eager").to(given.device).eval()
    kept = []

    def steps():
        for inputs in batches(given, 1):
            output = model(**inputs, output_attentions=True, output_hidden_states=hidden_states)
            kept.append([part.cpu() for part in (output.logits, *output.attentions, *(output.hidden_states or ()))])
            yield

    with torch.no_grad():
        return given.batch * mean_seconds(given, steps(), WARM_UP * given.batch)


# Ours: what the rules finetune, predict_shard and record_activations call.


def our_training(given: argparse.Namespace) -> np.ndarray:
    from spikegeometry.model.finetuning import labelled_examples
    from spikegeometry.model.runtime import prepare
    from spikegeometry.model.training import train

    rows, asked = encoded(given), []
    examples = labelled_examples(rows, unknown_probability=0.1, seed=0, longest=given.tokens)
    make = examples.make

    def make_and_note(row, generator):
        asked.append(now(given))
        return make(row, generator)

    examples.make = make_and_note
    with tempfile.TemporaryDirectory() as folder:
        train(
            new_model(given, "sdpa"),
            examples,
            labelled_examples(rows.slice(0, 1), unknown_probability=0.0, seed=0, longest=given.tokens),
            {"epochs": 1, "batch_size": given.batch, "learning_rate": LEARNING_RATE},
            phase="finetune",
            seed=0,
            device=prepare(given.device, given.threads),
            precision=given.precision,
            compiled=given.compile,
            checkpoints=Path(folder),
        )
    # The loader is a batch ahead: a batch is asked for when the last but one before it has been trained on.
    ends = asked[2 * given.batch :: given.batch]
    return (ends[-1] - ends[WARM_UP - 1]) / (len(ends) - WARM_UP)


def our_prediction(given: argparse.Namespace) -> np.ndarray:
    import pyarrow as pa

    from spikegeometry.model.prediction import logits
    from spikegeometry.model.runtime import compile_model, number_format, prepare

    device = prepare(given.device, given.threads)
    model = new_model(given, "sdpa").to(device).eval()
    if given.compile:
        compile_model(model)
    multiplied_in = number_format(given.precision, device)
    return after_warm_up(
        given, lambda rows: logits(model, pa.table({"input_ids": list(rows)}), given.batch, multiplied_in)
    )


def our_recording(given: argparse.Namespace) -> np.ndarray:
    import pandas as pd

    from spikegeometry.model.recording import record
    from spikegeometry.model.runtime import prepare

    model = new_model(given, "eager").to(prepare(given.device, given.threads)).eval()

    def run(rows):
        kept = np.where(np.arange(len(rows)) < KEPT, 0, -1)
        table = pd.DataFrame({"accession": kept.astype(str), "class": CLASSES[0], "recorded": kept})
        with tempfile.TemporaryDirectory() as folder:
            record(model, rows, table, given.tokens, given.batch, folder)

    return after_warm_up(given, run)


def after_warm_up(given: argparse.Namespace, run: Callable[[Rows], object]) -> np.ndarray:
    rows, few = sequences(given), WARM_UP * given.batch
    run(Rows(rows[:few]))
    started = now(given)
    run(Rows(rows[few:]))
    return (now(given) - started) / given.steps


CASES = {
    ("fine-tuning", "ours"): our_training,
    ("fine-tuning", "bare"): lambda given: training_loop(given, "sdpa", given.precision),
    ("fine-tuning", "plain"): lambda given: training_loop(given, "eager", "fp32"),
    ("prediction", "ours"): our_prediction,
    ("prediction", "bare"): lambda given: bare_forward(given, given.precision, given.compile),
    ("prediction", "plain"): lambda given: plain_forward(given, hidden_states=False),
    ("recording", "ours"): our_recording,
    ("recording", "bare"): lambda given: bare_forward(given, "fp32", compiled=False),
    ("recording", "plain"): lambda given: plain_forward(given, hidden_states=True),
}


# The table


def measured(task: str, side: str) -> dict:
    """Seconds of a batch, by the clock and of processors, and peak bytes of a case, from a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(LIBRARY)}
    command = [sys.executable, __file__, *sys.argv[1:], "--case", task, side]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def peak_memory(given: argparse.Namespace) -> int:
    """Bytes: of the GPU, or resident of this process."""
    if given.device == "cuda":
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def peak_flop(given: argparse.Namespace, precision: str) -> float:
    """FLOP/s that the device can reach: of the table, or of the best of some products of large matrices."""
    for model, peaks in PEAKS.items() if given.device == "cuda" else ():
        if re.search(rf"\b{model}\b", torch.cuda.get_device_name()):
            return 1e12 * peaks[precision == "fp32"]
    side = torch.ones((4096, 4096), dtype=FORMATS[precision], device=given.device)
    best = min(mean_seconds(given, (side @ side for _ in range(2)), 1)[0] for _ in range(5))
    return 2 * len(side) ** 3 / best


def flop_of_forward(given: argparse.Namespace) -> float:
    n, d, inner = given.tokens, given.width, 4 * given.width
    return given.layers * (8 * n * d * d + 4 * n * d * inner + 4 * n * n * d)


def machine(given: argparse.Namespace) -> str:
    if given.device == "cuda":
        return torch.cuda.get_device_name()
    return f"{given.threads} cores ({platform.machine()})"


def print_row(cells: list[str]) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    given = arguments()
    torch.set_num_threads(given.threads)
    if given.case:
        seconds, processors = CASES[tuple(given.case)](given)
        print(json.dumps({"seconds": seconds, "processors": processors, "memory": peak_memory(given)}))
        return
    print(
        f"{machine(given)}, torch {torch.__version__}{', compiled' if given.compile else ''}: {given.layers} layers, "
        f"{given.heads} heads, width {given.width}, {given.tokens} tokens, batches of {given.batch}\n"
    )
    peaks = {precision: peak_flop(given, precision) for precision in {"fp32", given.precision}}
    print_row(COLUMNS)
    print_row(["---"] * len(COLUMNS))
    for task in given.tasks:
        sides = [side for side in given.sides if side != "ours" or LIBRARY.is_dir()]
        found = {side: measured(task, side) for side in sides}
        for side in sides:
            precision = "fp32" if task == "recording" or side == "plain" else given.precision
            attention = "eager" if side == "plain" or (task, side) == ("recording", "ours") else "SDPA"
            case = found[side]
            row = [task, side, precision, attention, f"{given.batch * given.tokens / case['seconds']:,.0f}"]
            for kind in ("seconds", "processors"):
                ratio = f"{case[kind] / found['bare'][kind]:.2f}" if "bare" in found else ""
                row += [f"{1000 * case[kind]:,.1f}", ratio]
            flop = (3 if task == "fine-tuning" else 1) * given.batch * flop_of_forward(given) / case["seconds"]
            print_row([*row, f"{case['memory'] / 1e9:.2f}", f"{flop / 1e12:.3g}", f"{flop / peaks[precision]:.0%}"])


if __name__ == "__main__":
    main()
