"""What analyses are measured of: a network, what was recorded of it, and the parts of both that are asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spikegeometry.geometry.heads import HeadTensors, attention_maps, head_tensors
from spikegeometry.geometry.selection import choose
from spikegeometry.model.activations import Recorded, read_recorded
from spikegeometry.model.weights import Shape, read_layers, read_shape
from spikegeometry.stats.summaries import labelled_sequences


@dataclass
class Study:
    """A model folder, its recorded sequences, and the layers, heads and classes to measure.

    folder: of the model. recorded: hidden states and token ids of some sequences. all_classes: names in the order of
    the model's outputs. layers, heads: numbers from 1, in order. classes: names. confidence: of intervals.
    """

    folder: Path
    recorded: Recorded
    all_classes: list[str]
    layers: list[int]
    heads: list[int]
    classes: list[str]
    confidence: float

    @cached_property
    def shape(self) -> Shape:
        return read_shape(self.folder)

    @cached_property
    def weights(self) -> list[dict[str, torch.Tensor]]:
        """Weights of the layers by name: `weights[layer - 1]`."""
        return read_layers(self.folder)

    @cached_property
    def tokens(self) -> dict[str, np.ndarray]:
        """Token ids, int32 (n_max,), of each recorded sequence by accession; [PAD] beyond its end."""
        return dict(zip(self.recorded.sequences["accession"], self.recorded.tokens, strict=True))

    @property
    def rows(self) -> list[int]:
        """The heads as rows, from 0."""
        return [head - 1 for head in self.heads]

    def sequences(self) -> Iterator[tuple[dict[str, Any], torch.Tensor]]:
        """Labels and hidden states, float32 (L + 1, n, d), of each recorded sequence of the classes."""
        return labelled_sequences(self.recorded, self.classes)

    def maps(self, hidden: torch.Tensor, layer: int) -> torch.Tensor:
        """Attention, float32 (heads, n, n), of the heads of a layer in a sequence of these hidden states."""
        return attention_maps(hidden[layer - 1], self.weights[layer - 1], self.shape.heads)[self.rows]

    def tensors(self, hidden: torch.Tensor, layer: int) -> HeadTensors:
        """Queries, keys, values, attention and outputs of all heads of a layer in a sequence."""
        return head_tensors(hidden[layer - 1], self.weights[layer - 1], self.shape.heads, self.shape.eps)


def open_study(
    model: str | Path,
    recorded: Recorded,
    all_classes: Sequence[str],
    layers: Sequence[int] = (),
    heads: Sequence[int] = (),
    classes: Sequence[str] = (),
    confidence: float = 0.95,
    key: str = "",
) -> Study:
    """The study of a model folder and of what was recorded of it.

    `recorded` comes from `read_recorded`, of a run's folder of activations, or from `record_texts`. Without `layers`,
    `heads` or `classes` all are measured. Raises InputError where one does not exist; `key` is the config key of the
    analysis that asks.
    """
    shape = read_shape(model)
    return Study(
        folder=Path(model),
        recorded=recorded,
        all_classes=list(all_classes),
        layers=choose(layers, range(1, shape.layers + 1), f"{key}.layers"),
        heads=choose(heads, range(1, shape.heads + 1), f"{key}.heads"),
        classes=choose(classes, all_classes, f"{key}.classes"),
        confidence=confidence,
    )


def study_of_rule(rule: Any, analysis: str) -> Study:
    """The study that a rule asks for by its inputs (those of RECORDED) and params, on the rule's threads.

    `rule` is the object `snakemake` of a script.
    """
    torch.set_num_threads(rule.threads)
    chosen = {"layers": "layers", "heads": "heads", "classes": "selected_classes"}
    return open_study(
        rule.input.model,
        read_recorded(Path(rule.input.hidden_states).parent),
        rule.params.classes,
        **{name: getattr(rule.params, param, []) for name, param in chosen.items()},
        confidence=rule.params.confidence,
        key=f"analyses.{analysis}",
    )
