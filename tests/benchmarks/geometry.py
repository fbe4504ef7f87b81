"""Seconds a sequence for the analyses of every layer of a BERT-base (12 layers, 12 heads, width 768, 426 tokens).

    OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts python tests/benchmarks/geometry.py [sequences]

Weights and hidden states are random; nothing is read or written. Wall clock, and processor seconds in parentheses.
The program of the paper took 1.63 s a sequence on two cores for the cone indices of all layers, of one head each,
0.26 s for the Von Neumann entropy of one head, and 0.45 s for the sums of attention.
"""

import sys
import time
from collections.abc import Callable

import torch

from spikegeometry.geometry.attention_entropy import spread_variants
from spikegeometry.geometry.attention_flow import check_bounds, flow_bounds, follow
from spikegeometry.geometry.attention_gates import gate_labels
from spikegeometry.geometry.cone_index import sites, token_cone_variants
from spikegeometry.geometry.heads import CLS, attention_maps, head_tensors, kmer_maps
from spikegeometry.geometry.patterns import gate_scores
from spikegeometry.geometry.rollout import residual_mix, rollout_by_layer
from spikegeometry.geometry.singular_values import histogram, spectrum, statistics
from spikegeometry.geometry.singular_values import sites as matrices
from spikegeometry.geometry.vector_norms import statistics as norm_statistics
from spikegeometry.geometry.vector_norms import stretches, vector_norms

LAYERS, HEADS, WIDTH, TOKENS = 12, 12, 768, 426
EPS, ROGUE, THRESHOLD, MASS, RESIDUAL, SINKS, SMALL = 1e-12, 3, 0.3, 0.9, 0.5, 20, 1e-3


def random_layer(generator: torch.Generator) -> dict[str, torch.Tensor]:
    layer = {}
    for name in ("query", "key", "value", "output", "attention_norm"):
        shape = (WIDTH,) if name == "attention_norm" else (WIDTH, WIDTH)
        layer[f"{name}.weight"] = 0.05 * torch.randn(shape, generator=generator)
        layer[f"{name}.bias"] = 0.05 * torch.randn(WIDTH, generator=generator)
    return layer


def cones(hidden: torch.Tensor, layers: list[dict[str, torch.Tensor]]) -> None:
    heads = list(range(1, HEADS + 1))
    for below, above, layer in zip(hidden, hidden[1:], layers, strict=False):
        tensors = head_tensors(below, layer, HEADS, EPS)
        for vectors in sites(below, tensors, above, heads).values():
            token_cone_variants(vectors, ROGUE)


def gates(hidden: torch.Tensor, layers: list[dict[str, torch.Tensor]]) -> None:
    for below, layer in zip(hidden, layers, strict=False):
        maps = attention_maps(below, layer, HEADS)
        for chosen in (maps, kmer_maps(maps)[0]):
            gate_labels(gate_scores(chosen), THRESHOLD)


def entropies(hidden: torch.Tensor, layers: list[dict[str, torch.Tensor]]) -> None:
    for below, layer in zip(hidden, layers, strict=False):
        spread_variants(attention_maps(below, layer, HEADS), MASS)["raw"].share_histogram.sum()


def _mixes(hidden: torch.Tensor, layers: list[dict[str, torch.Tensor]]) -> torch.Tensor:
    maps = (attention_maps(below, layer, HEADS) for below, layer in zip(hidden, layers, strict=False))
    return torch.stack([residual_mix(attention, RESIDUAL) for attention in maps])


def rollouts_and_bounds(hidden: torch.Tensor, layers: list[dict[str, torch.Tensor]]) -> None:
    mixes = _mixes(hidden, layers)
    follow(mixes, CLS)
    rollout_by_layer(mixes, CLS)


def exact_flows(hidden: torch.Tensor, layers: list[dict[str, torch.Tensor]]) -> None:
    mixes = _mixes(hidden, layers)
    check_bounds(mixes, CLS, flow_bounds(mixes, CLS), list(range(SINKS)))


def ranks(hidden: torch.Tensor, layers: list[dict[str, torch.Tensor]]) -> None:
    for below, above, layer in zip(hidden, hidden[1:], layers, strict=False):
        tensors = head_tensors(below, layer, HEADS, EPS)
        for several in matrices(tensors, above, list(range(HEADS))).values():
            found = spectrum(several)
            statistics(found, SMALL), histogram(found)


def norms(hidden: torch.Tensor, layers: list[dict[str, torch.Tensor]]) -> None:
    for below, layer in zip(hidden, layers, strict=False):
        tensors = head_tensors(below, layer, HEADS, EPS)
        found = vector_norms(below, tensors, layer, stretches(layer, HEADS), list(range(HEADS)))
        for of in found.values():
            for tokens in (slice(None), slice(1, -1)):
                norm_statistics(of, found["A"], tokens)


def sums_of_attention(totals: list[torch.Tensor], maps: list[torch.Tensor]) -> None:
    """What recording does with the maps of a sequence, beside making them."""
    for total, attention in zip(totals, maps, strict=True):
        total += attention


def report(analysis: Callable, sequences: int, *inputs) -> None:
    analysis(*inputs)
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(sequences):
        analysis(*inputs)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{analysis.__name__}: {wall / sequences:.2f} s a sequence ({processor / sequences:.2f} s)")


def main(sequences: int) -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(LAYERS + 1, TOKENS, WIDTH, generator=generator)
    layers = [random_layer(generator) for _ in range(LAYERS)]
    for analysis in (cones, gates, entropies, rollouts_and_bounds, exact_flows, ranks, norms):
        report(analysis, sequences, hidden, layers)
    maps = [attention_maps(below, layer, HEADS) for below, layer in zip(hidden, layers, strict=False)]
    totals = [torch.zeros_like(attention, dtype=torch.float64) for attention in maps]
    report(sums_of_attention, sequences, totals, maps)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
