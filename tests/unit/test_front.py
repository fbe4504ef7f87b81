"""What comes first in report, atlas and query page."""

import re
from html import unescape
from types import SimpleNamespace

import jinja2
import pandas as pd
import pytest
from docutils.core import publish_parts

from checkout import ROOT
from spikegeometry.config import load_config
from spikegeometry.report.front import about_model, cautions, comparison, front_page, warning

TRIES = pd.DataFrame(
    {
        "try": [1, 2, 3],
        "accuracy": [0.125, 0.5, 0.25],
        "baseline_accuracy": 1.0,
        "n": 40,
        "p": [1e-11, 1e-6, 1e-9],
        "learnt": "no",
        "chosen": ["no", "yes", "no"],
    }
)
METRICS = pd.DataFrame(
    [
        ("test", "bert", "accuracy", 0.95, 0.9, 0.98, None, None, None, 80),
        ("test", "kmer_logistic", "accuracy", 0.975, None, None, -0.025, -0.0625, 0.0125, 80),
        ("test", "kmer_logistic", "macro_f1", 0.9, 0.8, 0.95, 0.5, 0.4, 0.6, 80),
        ("validation", "kmer_logistic", "accuracy", 1.0, 0.9, 1.0, 0.7, 0.6, 0.8, 40),
    ],
    columns=["set", "model", "metric", "value", "low", "high", "bert_less", "bert_less_low", "bert_less_high", "n"],
)


def test_a_network_that_learnt_has_no_warning():
    assert warning(TRIES.assign(learnt=["no", "yes", "no"])) == ""


def test_a_network_that_did_not_learn_is_said_to():
    said = warning(TRIES)
    assert said.startswith("The network has not learnt the task")
    assert "the best of 3 tries classifies 50.0% of 40 distinct validation sequences" in said
    assert "the linear baseline 100.0% (p = 1e-06)" in said
    assert "a single try classifies 50.0%" in warning(TRIES[1:2])


def test_the_difference_comes_first():
    assert comparison(METRICS) == (
        "On the test split the accuracy of BERT less that of a linear model on the same k-mers is -0.025 "
        "[-0.062, +0.013]: 0.950 against 0.975, n = 80 sequences (paired bootstrap over distinct sequences)."
    )


COUNTS = pd.DataFrame(
    {
        "class": ["a", "b", "a", "", "b"],
        "outcome": ["accepted", "accepted", "too_short", "bad_row", "bad_row"],
        "n": [50, 40, 1, 2, 3],
    }
)
SPLITS = pd.DataFrame(
    [("a", "train", 30, 25), ("b", "train", 30, 20), ("a", "test", 20, 11), ("b", "test", 10, 9)],
    columns=["class", "split", "genomes", "haplotypes"],
)
ABSTENTION = pd.DataFrame(
    [
        ("validation", "yes", "coverage", 1.0, 0.9, 1.0),
        ("test", "no", "coverage", 0.5, 0.4, 0.6),
        ("test", "yes", "coverage", 0.9, 0.8, 0.95),
        # A set with genomes of the classes and of none: scores hold it against itself and against the test split.
        ("mixed", "yes", "auroc", 0.9, 0.8, 1.0),
        ("mixed", "yes", "auroc", 0.7, 0.6, 0.8),
        ("mixed", "yes", "coverage", 0.75, 0.5, 0.9),
        ("out_*group*", "yes", "coverage_other", 0.25, None, None),
    ],
    columns=["set", "used", "metric", "value", "low", "high"],
)
FINDINGS = pd.DataFrame(
    [
        ("isotropy", "Upper layers | are `odd`.", "supported", 0.5, 0.25, 0.75, 0.1, -0.2, 0.4, "3 of 3"),
        ("isotropy", 'A "second", {{ claim }}', "undecided", None, None, None, None, None, None, "0 of 3"),
    ],
    columns=[
        *("analysis", "claim", "verdict", "value", "low", "high"),
        *("untrained_value", "untrained_low", "untrained_high", "seeds"),
    ],
)


LEAKAGE = pd.DataFrame(
    [
        ("train-test", "a", "hamming_0", 3, 20),
        ("train-test", "a", "hamming_1", 4, 20),
        ("train-test", "b", "hamming_0", 0, 10),
        ("train-test", "b", "hamming_1", 1, 10),
        ("train-test", "all", "hamming_0", 3, 30),
        ("train-validation", "a", "hamming_0", 9, 9),
    ],
    columns=["pair", "class", "statistic", "value", "n"],
)
LEARNT = TRIES.assign(learnt="yes")


def rendered(tries=LEARNT, findings=FINDINGS, source="table"):
    """Text of the page, cells of tables apart by bars, as Snakemake makes it; without a complaint on its form."""
    page = front_page(COUNTS, SPLITS, METRICS, ABSTENTION, findings, tries, LEAKAGE, source, "The rest of {{ run }}.")
    html = publish_parts(jinja2.Template(page).render(run="demo"), writer="html")["body"]
    assert "system-message" not in html
    cells = re.sub(r"</t[hd]>", " | ", html)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", cells)))


def test_claims_lead_to_their_figures():
    page = front_page(COUNTS, SPLITS, METRICS, ABSTENTION, FINDINGS, LEARNT, LEAKAGE, "table", "")
    html = publish_parts(jinja2.Template(page).render(), writer="html")["body"]
    assert '<a class="reference external" href="geometry/isotropy.svg">isotropy</a>' in html


def test_the_first_page_tells_what_was_found():
    page = rendered()
    assert page.strip().startswith("The test split has only 20 distinct sequences, so that all intervals are wide.")
    assert "On the test split the accuracy of BERT less that of a linear model" in page
    assert "simulated" not in page and "trained on simulated genomes" in rendered(source="simulate")
    assert "Of 30 test genomes 3 are in the training split base by base, and 8 are there with at most one" in page
    assert "90 genomes were accepted and 6 rejected (5 bad_row, 1 too_short)." in page
    assert "train 60 (45 distinct), test 30 (20 distinct)" in page
    assert "test | linear model on k-mers | 0.975 | -0.025 [-0.062, +0.013] | 80 |" in page
    assert "validation | linear" not in page
    assert "mixed: 0.75 [0.5, 0.9] of the sequences of the classes are kept; out_*group*: 0.25 of those of no" in page
    assert "Of 2 statistics on claims of other work: 1 supported, 1 undecided." in page
    assert "isotropy | Upper layers | are `odd`. | supported | 0.5 [0.25, 0.75] | 0.1 [-0.2, 0.4] | 3 of 3 |" in page
    assert 'isotropy | A "second", {{ claim }} | undecided | | | 0 of 3 |' in page
    assert page.strip().endswith("The rest of demo.")


def test_a_warning_comes_first_and_no_finding_leaves_no_table():
    page = rendered(TRIES, FINDINGS[:0])
    assert page.strip().startswith("The network has not learnt the task")
    assert "claims of other work" not in page and "Claims of other work" not in page


@pytest.mark.parametrize("kind", ["simulate", "table"])
def test_a_simulated_cohort_is_said_to_be_one(kind):
    blocks = {"simulate": {}, "table": {"sequences": "genomes.fasta", "labels": "labels.tsv"}}
    config = load_config({"run": "one", "source": {"type": kind, kind: blocks[kind]}})
    text = (ROOT / "workflow/report/workflow.rst").read_text(encoding="utf-8")
    page = jinja2.Template(text).render(snakemake=SimpleNamespace(config=config))
    assert ("Its genomes are simulated" in page) == (kind == "simulate")


def test_cautions_are_those_that_are_due():
    many = SPLITS.assign(haplotypes=200)
    assert cautions(LEARNT, METRICS, many, "table") == []
    assert [text.split(":")[0] for text in cautions(TRIES, METRICS, many, "simulate")][1:] == [
        "The model was trained on simulated genomes"
    ]
    simple = pd.DataFrame({"set": "test", "model": ["kmer_logistic", "nearest_neighbour"], "metric": "accuracy"})
    (said,) = cautions(LEARNT, simple.assign(value=[1.0, 0.995]), many, "table")
    assert "linear model on k-mers and nearest neighbour classify at least 99.5%" in said
    assert cautions(LEARNT, simple.assign(value=[1.0, 0.99]), many, "table") == []


def test_what_goes_with_the_model():
    outside = METRICS.iloc[:1].assign(set="mine", value=0.5, n=4)
    metrics = pd.concat([METRICS, outside], ignore_index=True)
    about = about_model(COUNTS, SPLITS, metrics, ABSTENTION, LEARNT, "table", ["a", "b"])
    assert about["classes"] == ["a", "b"]
    assert "BERT classifies 50.0% [90.0%, 98.0%] of 4 sequences of mine correctly." in about["sentences"]
    assert about["sentences"][-1] == (
        "Abstention: test: 0.9 [0.8, 0.95] of the sequences of the classes are kept; mixed: 0.75 [0.5, 0.9] of the "
        "sequences of the classes are kept; out_*group*: 0.25 of those of no class are given one."
    )
