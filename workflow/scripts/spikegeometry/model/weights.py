"""Weights of an encoder's layers, read from its safetensors file without building the model."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open

from spikegeometry.errors import InputError

# Our names (the roles) and those of transformers' BERT.
PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "intermediate": "intermediate.dense",
    "ffn_output": "output.dense",
    "output_norm": "output.LayerNorm",
}
HEAD = {
    f"{part}.{kind}": f"{name}.{kind}"
    for part, name in {"pooler": "bert.pooler.dense", "classifier": "classifier"}.items()
    for kind in ("weight", "bias")
}


@dataclass(frozen=True)
class Shape:
    """What a reader of the weights must know of the architecture."""

    layers: int
    heads: int
    hidden_size: int
    eps: float
    activation: str


def read_shape(folder: str | Path) -> Shape:
    """Shape of the encoder in a Hugging Face folder."""
    config = json.loads(Path(folder, "config.json").read_text(encoding="utf-8"))
    return Shape(
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        hidden_size=config["hidden_size"],
        eps=config["layer_norm_eps"],
        activation=config["hidden_act"],
    )


def read_layers(folder: str | Path) -> list[dict[str, torch.Tensor]]:
    """Weights and biases of each layer, float32: `query.weight` (d, d) as [out, in], `query.bias` (d,), and so on.

    Names: `<part>.weight` and `<part>.bias` of the parts query, key, value, output, attention_norm, intermediate,
    ffn_output and output_norm. Reads encoders with and without a head (prefix `bert.`).

    Raises InputError where a tensor is missing or holds a value that is not finite.
    """
    path = Path(folder, "model.safetensors")
    with safe_open(path, framework="pt") as file:
        names = set(file.keys())
        prefix = _prefix(names)

        def tensor(layer: int, part: str, kind: str) -> torch.Tensor:
            name = f"{prefix}encoder.layer.{layer}.{PARTS[part]}.{kind}"
            if name not in names:
                raise InputError(f"{path} lacks {name}: it does not hold the BERT that its config.json describes.")
            return _read(file, name, path)

        return [
            {f"{part}.{kind}": tensor(layer, part, kind) for part in PARTS for kind in ("weight", "bias")}
            for layer in range(read_shape(folder).layers)
        ]


def read_embeddings(folder: str | Path) -> dict[str, torch.Tensor]:
    """Embeddings before their LayerNorm, float32: word (vocabulary, d), position (tokens, d) and type (types, d)."""
    tables = {"word": "word_embeddings", "position": "position_embeddings", "type": "token_type_embeddings"}
    path = Path(folder, "model.safetensors")
    with safe_open(path, framework="pt") as file:
        prefix = _prefix(set(file.keys()))
        return {name: _read(file, f"{prefix}embeddings.{table}.weight", path) for name, table in tables.items()}


def has_classifier(folder: str | Path) -> bool:
    """Whether a model folder holds the head of a classifier."""
    with safe_open(Path(folder, "model.safetensors"), framework="pt") as file:
        return set(HEAD.values()) <= set(file.keys())


def read_head(folder: str | Path) -> dict[str, torch.Tensor]:
    """Weights and biases, float32, of the pooler (d, d) and the classifier (classes, d), as [out, in].

    Names: pooler.weight, pooler.bias, classifier.weight, classifier.bias. Raises InputError where one is missing or
    holds a value that is not finite.
    """
    path = Path(folder, "model.safetensors")
    with safe_open(path, framework="pt") as file:
        missing = sorted(set(HEAD.values()) - set(file.keys()))
        if missing:
            raise InputError(f"{path} lacks {missing[0]}: it does not hold a fine-tuned BERT classifier.")
        return {name: _read(file, tensor, path) for name, tensor in HEAD.items()}


def _prefix(names: set[str]) -> str:
    """What stands before the names of an encoder's tensors, which depends on whether the model has a head."""
    return "bert." if any(name.startswith("bert.") for name in names) else ""


def _read(file: safe_open, name: str, path: Path) -> torch.Tensor:
    tensor = file.get_tensor(name).float()
    if not tensor.isfinite().all():
        raise InputError(
            f"{path}: {name} holds a value that is not finite.\n"
            "Train the model again, with a lower learning rate or in fp32 (model.precision)."
        )
    return tensor
