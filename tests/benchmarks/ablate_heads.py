"""Seconds for switching off the heads of the demo's network: 4 layers of 4 heads, width 128, 426 tokens a sequence.

    OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts python tests/benchmarks/ablate_heads.py [sequences]

Weights and tokens are random; as in the analysis by its defaults, each head and each layer is switched off in two ways
on validation sequences, half as many as `sequences`, and on test ones (96), on which three orders of removal in ten
steps follow; gradients are taken of the validation sequences. Wall clock, and processor seconds in parentheses.
"""

import sys
import time

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification

from spikegeometry.geometry.head_ablation import Network, measure_gradients, measure_logits

LAYERS, HEADS, WIDTH, TOKENS, CLASSES, BATCH = 4, 4, 128, 426, 8, 16
MODES, ORDERS, STEPS = ("zero", "uniform"), 3, 10


def random_batches(sequences: int, size: int) -> list[tuple[np.ndarray, dict[str, torch.Tensor]]]:
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 1000, (sequences, TOKENS), generator=generator)
    return [
        (rows, {"input_ids": ids[rows], "attention_mask": torch.ones_like(ids[rows])})
        for rows in np.array_split(np.arange(sequences), range(size, sequences, size))
    ]


def main(sequences: int) -> None:
    config = BertConfig(
        vocab_size=1000,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_labels=CLASSES,
        attn_implementation="sdpa",
    )
    network = Network(BertForSequenceClassification(config).eval().requires_grad_(False))
    pairs = [(layer, head) for layer in range(1, LAYERS + 1) for head in range(1, HEADS + 1)]
    places = [[pair] for pair in pairs] + [pairs[start : start + HEADS] for start in range(0, len(pairs), HEADS)]
    singles = [(mode, off) for mode in MODES for off in places]
    orders = [np.random.default_rng(seed).permutation(len(pairs)) for seed in range(ORDERS)]
    counts = [round(len(pairs) * step / STEPS) for step in range(1, STEPS + 1)]
    pruned = [("zero", [pairs[head] for head in order[:count]]) for order in orders for count in counts]
    validation = random_batches(sequences // 2, BATCH)

    def report(what: str, work) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        work()
        print(f"{what}: {time.perf_counter() - wall:.1f} s ({time.process_time() - processor:.1f} s)")

    labels = np.zeros(sequences // 2, dtype=int)
    report("gradients", lambda: measure_gradients(network, random_batches(sequences // 2, BATCH // 4), labels))
    report("heads and layers, validation", lambda: measure_logits(network, validation, singles, None))
    test = random_batches(sequences, BATCH)
    report("heads and layers, test", lambda: measure_logits(network, test, singles, None))
    report("orders of removal, test", lambda: measure_logits(network, test, pruned, None))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 96)
