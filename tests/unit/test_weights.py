"""Layers read from safetensors are those of the model."""

import dataclasses

import pytest
import torch
from safetensors.torch import save_file
from transformers import BertForMaskedLM, BertModel

from spikegeometry.errors import InputError
from spikegeometry.model.weights import PARTS, Shape, read_head, read_layers, read_shape
from tiny_bert import classifier, config


@pytest.mark.parametrize(
    "model", [classifier(), BertModel(config()), BertForMaskedLM(config())], ids=lambda m: type(m).__name__
)
def test_layers_are_those_of_the_model(model, tmp_path):
    model.save_pretrained(tmp_path)
    layers = read_layers(tmp_path)
    encoder = model.base_model.encoder.layer
    assert len(layers) == len(encoder) == 2
    for ours, theirs in zip(layers, encoder, strict=True):
        state = theirs.state_dict()
        assert len(ours) == len(state) == 2 * len(PARTS)
        for name, tensor in ours.items():
            part, kind = name.split(".")
            assert tensor.dtype == torch.float32
            assert torch.equal(tensor, state[f"{PARTS[part]}.{kind}"])
    assert layers[0]["intermediate.weight"].shape == (32, 16)


def test_shape(tmp_path):
    classifier().save_pretrained(tmp_path)
    expected = Shape(layers=2, heads=2, hidden_size=16, eps=1e-12, activation="gelu")
    assert dataclasses.asdict(read_shape(tmp_path)) == dataclasses.asdict(expected)


def test_half_precision_is_read_as_float32(tmp_path):
    classifier().to(torch.bfloat16).save_pretrained(tmp_path)
    assert read_layers(tmp_path)[0]["query.weight"].dtype == torch.float32


def test_missing_tensor_is_named(tmp_path):
    classifier().save_pretrained(tmp_path)
    save_file({"bert.encoder.layer.0.attention.self.query.weight": torch.zeros(16, 16)}, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match=r"lacks bert\.encoder\.layer\.0\.attention\.self\.query\.bias"):
        read_layers(tmp_path)


@pytest.mark.parametrize(
    ("read", "name"), [(read_layers, "encoder.layer.1.output.dense.bias"), (read_head, "pooler.dense.bias")]
)
def test_weight_that_is_not_finite_is_named(read, name, tmp_path):
    model = classifier()
    with torch.no_grad():
        model.get_parameter(f"bert.{name}")[2] = float("nan")
    model.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=f"bert.{name} holds a value that is not finite"):
        read(tmp_path)
