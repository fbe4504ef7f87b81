"""Seconds for patching one pair of sequences, of the demo's network or of BERT-base: 426 tokens a sequence.

    OMP_NUM_THREADS=2 PYTHONPATH=workflow/scripts python tests/benchmarks/patch_mutations.py [demo|base]

Weights and tokens are random; two slots differ, and as many are matched. Of BERT-base one head of layers 2, 6 and 11 is
patched, whose mean number of layers above is that of all twelve, and the rest is counted up from that. Wall clock, and
processor seconds in parentheses.
"""

import sys
import time

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification

from spikegeometry.geometry.head_ablation import Network
from spikegeometry.geometry.mutation_patching import CLS, Patching

SHAPES = {"demo": (4, 4, 128, 16), "base": (12, 12, 768, 16)}
TOKENS, SLOTS, MATCHED = 426, [100, 101], [200, 201]


def main(name: str) -> None:
    layers, heads, width, batch = SHAPES[name]
    config = BertConfig(
        vocab_size=1000,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        hidden_size=width,
        intermediate_size=4 * width,
        num_labels=8,
    )
    network = Network(BertForSequenceClassification(config).eval().requires_grad_(False))
    ids = torch.randint(5, 1000, (1, TOKENS), generator=torch.Generator().manual_seed(0)).repeat(2, 1)
    ids[1, SLOTS] += 1
    chosen = list(range(1, layers + 1)) if name == "demo" else [2, 6, 11]
    others = [token for token in range(1, TOKENS) if token not in SLOTS]
    at = {"slot": SLOTS, "matched": MATCHED, "cls": CLS}

    def seconds(patched_heads: list[int], cut: bool) -> np.ndarray:
        patching = Patching(network, chosen, patched_heads, batch)
        start = np.array([time.perf_counter(), time.process_time()])
        with torch.inference_mode():
            pair = patching.run(ids)
            if cut:
                patching.cut(pair, {"slot": SLOTS, "matched": MATCHED})
            else:
                patching.patched(pair, at, {"others": others})
        return np.array([time.perf_counter(), time.process_time()]) - start

    seconds(chosen[:1], cut=False)  # the first pass makes room
    whole = layers / len(chosen)
    without, one, cuts = seconds([], cut=False), seconds([1], cut=False), seconds([], cut=True)
    parts = {"streams and feed-forward parts": without, "each head": one - without, "cuts": cuts}
    for what, took in (parts | {"a pair of sequences": without + heads * (one - without) + cuts}).items():
        wall, processor = whole * took
        print(f"{what}: {wall:.1f} s ({processor:.1f} s)")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo")
