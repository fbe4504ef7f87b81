"""Which tokens decide: completeness, a linear model by hand, precision by hand, definitions, and the script."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from transformers import BertForSequenceClassification

from spikegeometry.analyses.tables.attribution_tables import attribution_findings, mean_table
from spikegeometry.errors import InputError
from spikegeometry.figures.attributions import draw_attributions
from spikegeometry.figures.style import save
from spikegeometry.genomes.definitions import covering, defined_in_gene, defining_mutations, in_gene, sites
from spikegeometry.geometry.attributions import (
    Attribution,
    Explainer,
    in_length,
    integrated_gradients,
    judged,
    masked,
    precision_at,
    precisions,
)
from spikegeometry.geometry.heads import attention_maps
from spikegeometry.model.weights import read_layers
from spikegeometry.tables import read_tsv, write_tsv
from tiny_run import CLS, SEP, random_bert, random_tokens, run_analysis, write_run

MASK = 4


def gradients(model, ids, baseline, target, steps=64, batch_size=16):
    model.requires_grad_(False)
    return integrated_gradients(
        lambda several: model(input_ids=several).logits,
        model.get_input_embeddings(),
        torch.from_numpy(ids),
        torch.from_numpy(baseline),
        target,
        steps,
        batch_size,
    )


# Integrated gradients


def test_linear_model_by_hand():
    embedding = nn.Embedding(6, 2)
    weights = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))
    ids, baseline = torch.tensor([1, 2, 3, 4]), torch.tensor([1, 5, 3, 0])
    found = integrated_gradients(
        lambda several: torch.einsum("bnd,ndk->bk", embedding(several), weights), embedding, ids, baseline, 2, 8, 4
    )
    moved = (embedding.weight[ids] - embedding.weight[baseline]) * weights[..., 2]
    assert found.tokens.numpy() == pytest.approx(moved.sum(dim=1).detach().numpy(), abs=1e-5)
    assert found.gap < 1e-5 and found.tokens[0] == 0


def test_completeness_and_nothing_for_equal_tokens():
    model = random_bert(layers=2, heads=2, width=16, classes=3)
    ids, baseline = random_tokens(0, 20), random_tokens(0, 20)
    baseline[[3, 8, 9]] = [7, 9, 11]
    found = gradients(model, ids, baseline, target=1)
    with torch.no_grad():
        own, start = (model(torch.from_numpy(one)[None]).logits[0, 1].item() for one in (ids, baseline))
    assert found.change == pytest.approx(own - start, abs=1e-5)
    assert found.tokens.sum().item() == pytest.approx(own - start, abs=2e-3)
    assert found.gap == pytest.approx(abs(found.tokens.sum().item() - found.change))
    assert np.flatnonzero(found.tokens.numpy()).tolist() == np.flatnonzero(ids != baseline).tolist()


def test_batches_do_not_matter():
    model = random_bert(layers=1, heads=2, width=16, classes=2)
    whole, parts = (gradients(model, random_tokens(1, 12), random_tokens(2, 12), 0, 16, size) for size in (16, 3))
    assert parts.tokens.numpy() == pytest.approx(whole.tokens.numpy(), abs=1e-5)


def test_baselines():
    reference = torch.tensor([CLS, 10, 11, 12, SEP])
    assert in_length(reference, 5, MASK).tolist() == reference.tolist()
    assert in_length(reference, 4, MASK).tolist() == [CLS, 10, 11, SEP]
    assert in_length(reference, 7, MASK).tolist() == [CLS, 10, 11, 12, MASK, MASK, SEP]
    assert masked(reference, MASK).tolist() == [CLS, MASK, MASK, MASK, SEP]


# Precision


def test_precision_by_hand():
    scores, wanted = torch.tensor([5.0, 1, 4, 3, 2]), torch.tensor([True, True, False, True, False])
    assert [precision_at(scores, wanted, k) for k in (1, 2, 3, 4, 5)] == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2, 3 / 5])
    assert precision_at(scores, wanted, 9) == pytest.approx(3 / 5)


def test_ties_are_worth_what_chance_gives():
    scores, wanted = torch.tensor([1.0, 0, 0, 0, 0]), torch.tensor([False, True, False, True, False])
    # One of the four tied is taken besides the first, and half of them are wanted.
    assert precision_at(scores, wanted, 2) == pytest.approx((0 + 0.5) / 2)
    generator = np.random.default_rng(0)
    drawn = [wanted[[0, *1 + generator.choice(4, 2, replace=False)]].double().mean().item() for _ in range(4000)]
    assert precision_at(scores, wanted, 3) == pytest.approx(np.mean(drawn), abs=0.02)


def test_chances():
    wanted = torch.tensor([True, True, False, False, False, False, False, False])
    differs = torch.tensor([True, False, True, True, False, False, False, False])
    others = torch.tensor([False, False, False, True, False, False, True, False])
    found = precisions(torch.arange(8.0).flip(0), wanted, others, differs, 2)
    assert found["precision"] == 1
    assert found["chance"] == pytest.approx(2 / 8)
    assert found["chance_differing"] == pytest.approx(1 / 3)
    # Both wanted come before both others.
    assert found["excess_sites"] == pytest.approx(1 - 2 / 4)
    assert precisions(torch.arange(8.0), wanted, others, differs, 2)["excess_sites"] == pytest.approx(0 - 2 / 4)
    # A k-mer that defines no class does not count, however large its score.
    outside = torch.tensor([7.0, 6, 5, 4, 9, 2, 1, 0])
    assert precisions(outside, wanted, others, differs, 2)["excess_sites"] == pytest.approx(1 - 2 / 4)
    assert np.isnan(precisions(torch.arange(8.0), wanted, torch.zeros(8) > 0, differs, 2)["excess_sites"])
    assert found["excess_differing"] == pytest.approx(2 / 3)
    # More than differ: all three of these, and one of the five others.
    assert precisions(torch.zeros(8), wanted, others, differs, 4)["chance_differing"] == pytest.approx((1 + 1 / 5) / 4)


# Definitions

FOUNDERS = """founder\tclass\tmutations
a1\talpha\tA10T C20T del:30:6 G50A
a2\talpha\tA10T C20T ins:40:TTT
b1\tbeta\tA10T G60A
"""


@pytest.fixture()
def founders(tmp_path):
    path = tmp_path / "founders.tsv"
    path.write_text(FOUNDERS, encoding="utf-8")
    return path


def test_defining_mutations(founders):
    found = defining_mutations(founders, ["alpha", "beta", "gamma"], 0.5).set_index(["class", "mutation"])
    # A10T is in every class.
    assert set(found.index) == {
        ("alpha", "C20T"),
        ("alpha", "del:30:6"),
        ("alpha", "ins:40:TTT"),
        ("alpha", "G50A"),
        ("beta", "G60A"),
    }
    assert found.loc[("alpha", "del:30:6"), ["first", "last", "share"]].tolist() == [30, 35, 0.5]
    assert found.loc[("alpha", "ins:40:TTT"), ["first", "last", "inserted"]].tolist() == [40, 41, True]
    assert len(defining_mutations(founders, ["alpha", "beta"], 1.0)) == 2


def test_mutations_in_the_gene(founders, caplog):
    found = defined_in_gene(founders, ["alpha", "beta", "gamma"], 0.5, start=32, end=55, insertions=False)
    assert found["alpha"][["mutation", "first", "last"]].to_numpy().tolist() == [["del:30:6", 1, 4], ["G50A", 19, 19]]
    assert set(found) == {"alpha"}
    assert "beta" in caplog.text and "gamma" in caplog.text
    assert "ins:40:TTT" in set(in_gene(defining_mutations(founders, ["alpha"], 0.5), 32, 55, True)["mutation"])


def test_covering_kmers():
    mutations = pd.DataFrame({"first": [5, 12], "last": [6, 13], "inserted": [False, True]})
    first = np.array([1, 4, 7, 10, 13])
    # The insertion stands between 12 and 13: only 10..13 has both.
    assert covering(mutations, first, first + 3).tolist() == [False, True, False, True, False]
    assert covering(mutations.iloc[:1], np.array([6]), np.array([9])).tolist() == [True]


def test_sites_of_a_class_and_of_others():
    places = {"alpha": [5, 8], "beta": [8, 20]}
    mutations = {
        name: pd.DataFrame({"first": bases, "last": bases, "inserted": False}) for name, bases in places.items()
    }
    first = np.array([1, 4, 7, 10, 19])
    found = sites(mutations, first, first + 3)
    assert [kind.tolist() for kind in found["alpha"]] == [[0, 1, 1, 0, 0], [0, 0, 0, 0, 1]]
    assert [kind.tolist() for kind in found["beta"]] == [[0, 0, 1, 0, 1], [0, 1, 0, 0, 0]]
    assert sites({}, first, first + 3) == {}


def test_table_that_is_none_is_refused(tmp_path):
    write_tsv(pd.DataFrame({"name": ["a"]}), tmp_path / "t.tsv")
    with pytest.raises(InputError, match=r"analyses\.attributions\.definitions"):
        defining_mutations(tmp_path / "t.tsv", ["alpha"], 0.5)
    (tmp_path / "t.tsv").write_text("founder\tclass\tmutations\na\talpha\tX\nb\tbeta\t\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"class alpha: 'X' is no mutation"):
        defining_mutations(tmp_path / "t.tsv", ["alpha"], 0.5)


# Findings


def test_findings_are_over_classes():
    rows = [(name, value) for name, value in (("alpha", 0.2), ("beta", 0.4), ("gamma", 0.6), ("all", 9.0))]
    table = pd.DataFrame(rows, columns=["class", "value"]).assign(method="rollout", k="R", statistic="excess_sites")
    first, finding, *others = attribution_findings(table, ["alpha", "beta", "gamma"], 0.95)
    # Student's on Fisher's scale: a difference of shares lies between -1 and 1.
    half = 4.302653 * 0.2 / np.sqrt(3) / (1 - 0.4**2)
    expected = (0.4, np.tanh(np.arctanh(0.4) - half), np.tanh(np.arctanh(0.4) + half))
    assert (finding.value, finding.low, finding.high) == pytest.approx(expected, abs=1e-6)
    assert finding.n == 3 and finding.verdict != "supported"
    # What has no values is there, too.
    assert {one.verdict for one in (first, *others)} == {"not applicable"}
    _, single, *_ = attribution_findings(table, ["alpha"], 0.95)
    assert single.value == 0.2 and np.isnan(single.low)


def test_no_record_is_refused():
    with pytest.raises(InputError):
        mean_table([], ["alpha"], ["k"], 0.95)


# The script

CLASSES = ["alpha", "beta", "gamma"]
KMERS = 12
SETTINGS = {"baselines": ["reference", "mask"], "steps": 8, "batch_size": 4, "residual": 0.5}
PARAMS = {
    "selected_classes": [],
    "classes": CLASSES,
    "sequences_per_class": 2,
    **SETTINGS,
    "share": 0.5,
    "cutoffs": [1, 3],
    "start": 11,
    "end": 50,
    "coordinates": "projected",
    "k": 4,
    "stride": 3,
    "device": "cpu",
    "threads": 1,
    "confidence": 0.95,
}


def run_attributions(folder, **params):
    outputs = {"findings": "findings.tsv", "tokens": "tokens_of_classes.parquet", "mutations": "mutations.tsv"}
    inputs = {"vocabulary": "vocabulary.txt", "reference": "genome.fasta", "definitions": "founders.tsv"}
    return run_analysis("attributions", folder, outputs, inputs, **PARAMS | params)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three sequences of alpha, one of beta and of gamma, for which nothing is defined; a gene of 13 k-mers."""
    folder = tmp_path_factory.mktemp("attributions")
    model = random_bert(layers=2, heads=2, width=16, classes=3)
    model.config.id2label = dict(enumerate(CLASSES))
    sequences = {
        name: [random_tokens(10 * c + i, KMERS + 3) for i in range(3 if c == 0 else 1)]
        for c, name in enumerate(CLASSES)
    }
    write_run(folder, model, sequences)
    generator = np.random.default_rng(1)
    genome = "".join(generator.choice(list("ACGT"), 60))
    (folder / "genome.fasta").write_text(f">genome\n{genome}\n", encoding="utf-8")
    kmers = sorted({"".join(generator.choice(list("ACGT"), 4)) for _ in range(200)})[:45]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    (folder / "vocabulary.txt").write_text("\n".join([*special, *kmers]) + "\n", encoding="ascii")
    (folder / "founders.tsv").write_text(
        "founder\tclass\tmutations\na\talpha\tdel:21:2\nb\tbeta\tdel:31:1 del:11:1\ng\tgamma\t\n", encoding="utf-8"
    )
    return folder


@pytest.fixture(scope="module")
def made(folder):
    return run_attributions(folder)


def test_script(folder, made):
    table, sequences = made
    assert set(table["class"]) == {"alpha", "beta", "all"}
    counts = table[table["statistic"] == "slots"].set_index("class")
    # Bases 11 and 12 of the gene lie in the k-mer 10..13 alone, 21 in 19..22, and 1 in 1..4.
    assert counts.loc["alpha", ["value", "n"]].tolist() == [1, 2]
    assert counts.loc["beta", ["value", "n"]].tolist() == [2, 1]
    assert set(sequences["method"]) == {"gradients_reference", "gradients_mask", "attention", "rollout"}
    precision = table[(table["statistic"] == "precision") & (table["class"] == "all")]
    assert len(precision) == 4 * 3 and precision["value"].between(0, 1).all()
    findings = pd.read_csv(folder / "findings.tsv", sep="\t")
    assert len(findings) == 5 and set(findings["n"]) == {0, 2}


def test_tokens_are_those_of_the_explainer(folder, made):
    _, sequences = made
    model = BertForSequenceClassification.from_pretrained(folder / "model").eval().requires_grad_(False)
    ids = torch.from_numpy(random_tokens(10, KMERS + 3))
    with torch.no_grad():
        hidden = torch.cat(model(ids[None], output_hidden_states=True).hidden_states)
    explainer = Explainer(
        lambda several: model(input_ids=several).logits,
        model.get_input_embeddings(),
        layers=read_layers(folder / "model"),
        heads=2,
        reference=ids,
        mask=MASK,
        **SETTINGS,
    )
    found = explainer.explain(ids, hidden, 1)
    beta = sequences[sequences["class"] == "beta"]
    for method in ("gradients_mask", "attention", "rollout"):
        expected = beta.loc[beta["method"] == method, "attribution"].to_numpy()
        assert found[method].tokens[1:-1].numpy() == pytest.approx(expected, abs=1e-5)
    # The sequence is its own reference here.
    assert not found["gradients_reference"].tokens.any() and not explainer.differs(ids).any()
    last = attention_maps(hidden[-2], explainer.layers[-1], 2)
    assert found["attention"].tokens.numpy() == pytest.approx(last.mean(dim=0)[0].numpy(), abs=1e-6)
    assert found["rollout"].tokens.sum().item() == pytest.approx(1)


def test_rollout_is_that_of_cls(folder, made):
    _, sequences = made
    model = BertForSequenceClassification.from_pretrained(folder / "model", attn_implementation="eager").eval()
    with torch.no_grad():
        several = model(torch.from_numpy(random_tokens(10, KMERS + 3))[None], output_attentions=True).attentions
    first, second = ((maps[0].double().mean(dim=0) + torch.eye(KMERS + 3)) / 2 for maps in several)
    rows = sequences[(sequences["class"] == "beta") & (sequences["method"] == "rollout")]
    assert rows["attribution"].to_numpy() == pytest.approx((second @ first)[0, 1:-1].numpy(), abs=1e-5)


def test_agreement_with_gradients_and_relative_gap(made):
    table, sequences = made
    beta = table[(table["class"] == "beta") & (table["k"] == "")].set_index(["method", "statistic"])["value"]
    kmers = sequences[sequences["class"] == "beta"].pivot(index="token", columns="method", values="attribution")
    size = kmers["gradients_mask"].abs()
    agreement = {name: kmers[name].corr(size, method="spearman") for name in ("attention", "rollout")}
    assert {name: beta[name, "agreement"] for name in agreement} == pytest.approx(agreement, abs=1e-6)
    gain = beta["", "agreement_gain"]
    assert gain == pytest.approx(agreement["rollout"] - agreement["attention"], abs=1e-6) and abs(gain) > 0.01
    changes = {name: beta[name, "change"] for name in ("gradients_reference", "gradients_mask")}
    assert min(changes.values()) < 0
    for name, change in changes.items():
        assert beta[name, "relative_gap"] == pytest.approx(beta[name, "gap"] / abs(change), rel=1e-4)


def test_agreement_needs_the_mask():
    found = {name: Attribution(torch.arange(10.0)) for name in ("attention", "rollout")}
    kinds = [
        set(values) for _, values in judged(found, torch.arange(8) < 2, torch.arange(8) > 6, torch.arange(8) < 3, [2])
    ]
    assert {"slots", "differing", "slots_differing"} in kinds
    assert not any("agreement" in kind for kind in kinds)


def test_unknown_class_is_refused(folder):
    with pytest.raises(InputError, match=r"analyses\.attributions\.classes"):
        run_attributions(folder, selected_classes=["omega"])


def test_figure(folder, made, tmp_path):
    table, _ = made
    tokens = pd.read_parquet(folder / "tokens_of_classes.parquet")
    domains = pd.DataFrame({"name": ["S1", "S2"], "first": [0.5, 6.5], "last": [6.5, 13.5]})
    mutations = read_tsv(folder / "mutations.tsv")
    assert set(tokens["class"]) - {"all"} <= set(mutations["class"]) and (mutations["first_residue"] >= 1).all()
    figure = draw_attributions(table, tokens, mutations, domains, CLASSES, CLASSES)
    assert "gamma" in figure.get_suptitle()
    tracks = figure.subfigs[0].axes
    assert len({axis.get_ylim() for axis in tracks}) == 1
    named = {text.get_text() for axis in tracks for text in axis.texts}
    assert named & set(mutations["protein"])
    save(figure, tmp_path / "a.png", tmp_path / "a.svg")
