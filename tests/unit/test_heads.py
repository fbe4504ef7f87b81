"""Tensors of the heads against what transformers' own BERT computes, with random biases and LayerNorm gains."""

import pytest
import torch

from spikegeometry.geometry.heads import attention_maps, block_output, head_tensors
from spikegeometry.model.weights import read_layers, read_shape
from tiny_run import PAD, random_bert, random_tokens

LENGTHS = (17, 9)


@pytest.fixture(scope="module")
def forward(tmp_path_factory):
    """Shape, weights and, for each sequence of a padded batch, length, hidden states, attention and its output."""
    folder = tmp_path_factory.mktemp("bert")
    model = random_bert(layers=3, heads=4, width=32, classes=2)
    model.save_pretrained(folder)
    ids = torch.full((len(LENGTHS), max(LENGTHS)), PAD)
    for row, length in enumerate(LENGTHS):
        ids[row, :length] = torch.from_numpy(random_tokens(row, length))
    outputs = []
    for layer in model.bert.encoder.layer:
        layer.attention.register_forward_hook(lambda module, given, output: outputs.append(output[0]))
    with torch.inference_mode():
        result = model(ids, attention_mask=(ids != PAD).long(), output_hidden_states=True, output_attentions=True)
    return read_shape(folder), read_layers(folder), result.hidden_states, result.attentions, outputs


def largest_difference(ours, theirs):
    return (ours - theirs).abs().max().item()


@pytest.mark.parametrize("row", range(len(LENGTHS)), ids=("whole", "padded"))
def test_heads_are_the_models_own(forward, row):
    shape, layers, hidden, attentions, outputs = forward
    n = LENGTHS[row]
    for number, layer in enumerate(layers):
        below = hidden[number][row, :n]
        ours = head_tensors(below, layer, shape.heads, shape.eps)
        theirs = attentions[number][row, :, :n, :n]
        assert largest_difference(ours.attention, theirs) < 1e-5
        assert largest_difference(ours.attention_output, outputs[number][row, :n]) < 1e-5
        above = block_output(ours.attention_output, layer, shape.eps, shape.activation)
        assert largest_difference(above, hidden[number + 1][row, :n]) < 1e-4
        assert torch.equal(attention_maps(below, layer, shape.heads), ours.attention)


def test_shapes_and_order_of_heads(forward):
    shape, layers, hidden, *_ = forward
    n, width, heads = LENGTHS[0], shape.hidden_size, shape.heads
    ours = head_tensors(hidden[0][0], layers[0], heads, shape.eps)
    for name in ("q", "k", "v", "z"):
        assert getattr(ours, name).shape == (heads, n, width // heads)
    assert ours.concat.shape == ours.mha.shape == ours.attention_output.shape == (n, width)
    # Head h is columns h*dh .. (h+1)*dh - 1 of the heads side by side.
    for head in range(heads):
        columns = slice(head * width // heads, (head + 1) * width // heads)
        assert torch.equal(ours.concat[:, columns], ours.z[head])
        expected = ours.attention[head].double() @ ours.v[head].double()
        assert largest_difference(ours.z[head], expected) < 1e-6


def test_key_bias_changes_no_attention(forward):
    shape, layers, hidden, *_ = forward
    shifted = layers[0] | {"key.bias": layers[0]["key.bias"] + 1}
    maps = [attention_maps(hidden[0][0], layer, shape.heads) for layer in (layers[0], shifted)]
    assert largest_difference(*maps) < 1e-5


def test_one_token(forward):
    shape, layers, hidden, *_ = forward
    ours = head_tensors(hidden[0][0, :1], layers[0], shape.heads, shape.eps)
    assert torch.equal(ours.attention, torch.ones(shape.heads, 1, 1))
    assert torch.equal(ours.z, ours.v)
