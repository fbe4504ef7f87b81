"""What comes first in report, atlas and query page."""

from types import SimpleNamespace

import jinja2
import pandas as pd
import pytest

from checkout import ROOT
from spikegeometry.config import load_config
from spikegeometry.report.front import comparison, front_page, warning

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
        ("test", "bert", "accuracy", 0.95, None, None, None, 80),
        ("test", "kmer_logistic", "accuracy", 0.975, -0.025, -0.0625, 0.0125, 80),
        ("test", "kmer_logistic", "macro_f1", 0.9, 0.5, 0.4, 0.6, 80),
        ("validation", "kmer_logistic", "accuracy", 1.0, 0.7, 0.6, 0.8, 40),
    ],
    columns=["set", "model", "metric", "value", "bert_less", "bert_less_low", "bert_less_high", "n"],
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
    learnt = TRIES.assign(learnt="yes")
    assert front_page(METRICS, learnt, "The rest").split("\n\n") == [comparison(METRICS), "The rest"]
    assert front_page(METRICS, TRIES, "The rest").split("\n\n")[0] == f"**{warning(TRIES)}**"


@pytest.mark.parametrize("kind", ["simulate", "table"])
def test_a_simulated_cohort_is_said_to_be_one(kind):
    blocks = {"simulate": {}, "table": {"sequences": "genomes.fasta", "labels": "labels.tsv"}}
    config = load_config({"run": "one", "source": {"type": kind, kind: blocks[kind]}})
    text = (ROOT / "workflow/report/workflow.rst").read_text(encoding="utf-8")
    page = jinja2.Template(text).render(snakemake=SimpleNamespace(config=config))
    assert ("Its genomes are simulated" in page) == (kind == "simulate")
