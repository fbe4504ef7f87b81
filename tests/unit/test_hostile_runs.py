"""Every analysis and its figure on runs that are as small, as uneven and as degenerate as they may be.

What is measured there is the affair of the analyses' own tests: here nothing may crash, and what cannot be measured
is refused with the place.
"""

import copy
import math
import shutil

import numpy as np
import pytest
import torch
from transformers import BertForSequenceClassification

from checkout import ROOT
from rule_run import run_rule
from spikegeometry.config import load_config
from spikegeometry.errors import InputError
from spikegeometry.schema import read_schema
from spikegeometry.tables import read_tsv
from tiny_run import CLASSES, random_bert, random_tokens, write_recorded, write_run, write_spikes

# Of what they are made: the recorded hidden states, or the weights alone.
OF_STATES = [
    "activation_distributions",
    "attention_domains",
    "attention_entropy",
    "attention_flow",
    "attention_gates",
    "attention_maps",
    "attention_positions",
    "attention_roles",
    "cone_index",
    "clustering",
    "isotropy",
    "singular_values",
    "vector_norms",
]
OF_WEIGHTS = ["subspace_directionality", "weight_statistics"]
# What these need beside states and weights, small runs of their own tests give them: training, predictions, a masked
# model, other models, external sets.
ELSEWHERE = [
    "attention_shift",
    "attributions",
    "context_similarity",
    "head_ablation",
    "in_silico_mutagenesis",
    "layer_probes",
    "mutation_patching",
    "one_vs_all",
    "token_accuracy",
    "token_divergence",
    "training_trajectory",
]
LENGTH = 16  # tokens of the longest sequence
GENE = {"start": 1, "end": 129}  # bases of its k-mers


def write_hostile(folder, model, pretrained, sequences):
    """The files of a run with the names of the workflow; its configuration."""
    write_run(folder, model, sequences)
    (folder / "model").rename(folder / "finetuned")
    (folder / "model").mkdir()
    (folder / "finetuned").rename(folder / "model/finetuned")
    pretrained.save_pretrained(folder / "model/pretrained")
    for name in ("predictions", "dataset", "spikes", "reference"):
        (folder / name).mkdir()
    (folder / "predictions.parquet").rename(folder / "predictions/test.parquet")
    reference = write_spikes(folder, sequences)
    (folder / "spikes.parquet").rename(folder / "spikes/spikes.parquet")
    (folder / "splits.parquet").rename(folder / "dataset/splits.parquet")
    (folder / "reference/genome.fasta").write_text(f">reference\n{reference}\n", encoding="utf-8")
    write_recorded(folder / "dataset/test.arrow", sequences)
    config = load_config({"run": "hostile", "source": {"type": "simulate", "simulate": {}}, "classes": CLASSES})
    assert GENE["end"] == len(reference)
    for kind in ("domains", "regions"):
        shutil.copy(ROOT / f"resources/spike_{kind}.tsv", folder / f"reference/{kind}.tsv")
    config["evaluation"]["bootstrap"] = 20
    config["analyses"]["attention_domains"]["permutations"] = 19
    config["analyses"]["attention_positions"]["permutations"] = 19
    return config


def degenerate_bert() -> BertForSequenceClassification:
    """Three heads of width 4; in the first layer one attends evenly, one to one token each, one has no values."""
    model = random_bert(layers=2, heads=3, width=12, classes=3)
    own = model.bert.encoder.layer[0].attention.self
    with torch.no_grad():
        own.query.weight[:4] = own.query.bias[:4] = 0
        own.query.weight[4:8] *= 1e4
        own.value.weight[8:] = own.value.bias[8:] = 0
    return model


@pytest.fixture(scope="module")
def degenerate(tmp_path_factory):
    """Three sequences of alpha of unlike length, two of them equal, one of beta, none of gamma; and a zero vector."""
    folder = tmp_path_factory.mktemp("degenerate")
    twin = random_tokens(0, LENGTH)
    sequences = {"alpha": [twin, random_tokens(1, 9), twin], "beta": [random_tokens(2, 12)], "gamma": []}
    config = write_hostile(folder, degenerate_bert(), random_bert(2, 3, 12, 3, seed=1), sequences)
    states = np.load(folder / "activations/hidden_states.npy")
    states[:, 1, 4] = 0
    np.save(folder / "activations/hidden_states.npy", states)
    return folder, config


@pytest.fixture(scope="module")
def smallest(tmp_path_factory):
    """One layer of one head, and one sequence in all."""
    folder = tmp_path_factory.mktemp("smallest")
    sequences = {"alpha": [], "beta": [random_tokens(0, LENGTH)], "gamma": []}
    model = random_bert(layers=1, heads=1, width=4, classes=3)
    return folder, write_hostile(folder, model, model, sequences)


def test_every_analysis_is_here_or_elsewhere():
    analyses = read_schema()["properties"]["analyses"]["properties"]
    assert sorted(OF_STATES + OF_WEIGHTS + ELSEWHERE) == sorted(analyses)


def test_degenerate_heads_are_what_they_are_called(degenerate):
    folder, _ = degenerate
    model = BertForSequenceClassification.from_pretrained(folder / "model/finetuned", attn_implementation="eager")
    with torch.inference_mode():
        maps = model(torch.from_numpy(random_tokens(0, LENGTH))[None], output_attentions=True).attentions[0][0]
    assert maps[0].numpy() == pytest.approx(1 / LENGTH)
    assert (maps[1].amax(dim=-1) > 0.999).float().mean() > 0.8


@pytest.mark.parametrize("run", ["degenerate", "smallest"])
@pytest.mark.parametrize("name", OF_STATES + OF_WEIGHTS)
def test_analysis_and_figure(request, name, run):
    folder, config = request.getfixturevalue(run)
    run_rule(name, folder, config, **GENE)
    for path in run_rule(f"plot_{name}", folder, config, **GENE).values():
        assert (folder / path).exists()


@pytest.mark.parametrize("name", OF_STATES + OF_WEIGHTS)
def test_one_layer_one_head_one_class(degenerate, name):
    folder, config = degenerate
    config = copy.deepcopy(config)
    block = config["analyses"][name]
    block |= {key: [2] for key in ("layers", "heads") if key in block}
    block |= {"classes": ["beta"]} if "classes" in block else {}
    table = read_tsv(run_rule(name, folder, config, **GENE)["table"])
    if "layer" in table:
        assert set(table["layer"].dropna()) <= {0, 2}
    if "class" in table:
        assert set(table["class"]) <= {"beta", "all"}


@pytest.mark.parametrize("name", OF_STATES)
def test_states_that_are_not_finite_are_named(tmp_path, degenerate, name):
    folder, config = degenerate
    broken = tmp_path / "run"
    (broken / "activations").mkdir(parents=True)
    for path in folder.iterdir():
        if path.name != "activations":
            (broken / path.name).symlink_to(path)
    for path in (folder / "activations").iterdir():
        (broken / "activations" / path.name).symlink_to(path)
    states = np.load(folder / "activations/hidden_states.npy")
    states[3, 1, 2, 5] = math.nan
    (broken / "activations/hidden_states.npy").unlink()
    np.save(broken / "activations/hidden_states.npy", states)
    with pytest.raises(InputError, match="layer 1 is not finite for beta/3"):
        run_rule(name, broken, config, **GENE)


@pytest.mark.parametrize("name", [*(name for name in OF_STATES if name != "isotropy"), *OF_WEIGHTS])
def test_weights_that_are_not_finite_are_named(tmp_path, degenerate, name):
    folder, config = degenerate
    (tmp_path / "run/model").mkdir(parents=True)
    for path in folder.iterdir():
        if path.name != "model":
            (tmp_path / "run" / path.name).symlink_to(path)
    (tmp_path / "run/model/pretrained").symlink_to(folder / "model/pretrained")
    model = random_bert(layers=2, heads=3, width=12, classes=3)
    with torch.no_grad():
        model.bert.encoder.layer[1].attention.self.key.weight[2, 2] = math.inf
        model.classifier.weight[0, 0] = math.inf
    model.save_pretrained(tmp_path / "run/model/finetuned")
    with pytest.raises(InputError, match="(layer.1.attention.self.key|classifier).weight holds a value that is not"):
        run_rule(name, tmp_path / "run", config, **GENE)
