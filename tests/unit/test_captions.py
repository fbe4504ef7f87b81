"""Captions: their result by hand, their three parts, and what a reader is shown of them."""

import re
from html import unescape
from types import SimpleNamespace

import jinja2
import pandas as pd
import pytest
from docutils.core import publish_parts

from checkout import ROOT
from spikegeometry.config import load_config
from spikegeometry.report.captions import MORE, caption, methods_page
from spikegeometry.report.results import HEADLINES, Headline, claims_of, first_headline, headline

SOURCES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "workflow/report").glob("*.rst"))
    if path.stem != "workflow"
}
READ, METHOD = "**How to read.**", "**Method and limits.**"
HOSTILE = "{{ 7 * 7 }} *a* `b` |c| {% raw %} <i>"
CONFIG = load_config({"run": "demo", "source": {"type": "simulate", "simulate": {"genomes_per_class": 10}}})


def rendered(source, **wildcards):
    """Text of a caption as the report shows it, without a complaint on its form."""
    snakemake = SimpleNamespace(config=CONFIG, wildcards=wildcards)
    html = publish_parts(jinja2.Template(source).render(snakemake=snakemake), writer="html")["fragment"]
    assert "system-message" not in html
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", html)))


@pytest.mark.parametrize("name", SOURCES)
def test_a_caption_has_its_parts_and_is_short(name):
    shown, *rest = MORE.split(SOURCES[name])
    assert len(rest) <= 1 and shown.startswith(READ) and shown.count(METHOD) == 1
    assert len(rendered(shown, set="test").split()) <= 115  # with the result's 35, 150
    assert rendered(MORE.sub("", SOURCES[name]), set="test")


def test_the_result_comes_first_and_the_rest_is_left_out():
    source = f"{READ} Up is more.\n\n{METHOD} Once.\n\n.. more\n\nThe **details**.\n"
    text = rendered(caption(source, f"It is 5 {HOSTILE}."))
    assert text.strip() == f"Result. It is 5 {HOSTILE}. How to read. Up is more. Method and limits. Once."
    assert rendered(caption(source, "")).strip().startswith("How to read.")


def test_the_result_of_the_set_that_is_shown():
    source = caption(f"{READ} Up.", {"test": f"Of test {HOSTILE}.", 'my"set': "Of mine.", "all": "Of all."})
    assert rendered(source, set="test").startswith(f"Result. Of test {HOSTILE}. How")
    assert rendered(source, set='my"set').startswith("Result. Of mine. How")
    assert rendered(source).startswith("Result. Of all. How")


def test_the_page_of_methods_has_all():
    page = methods_page(
        {"spikes_c": "**Shown.**\n\n.. more\n\nDetails of {{ snakemake.run }}.\n", "a": "One."},
        {"snakemake": SimpleNamespace(run="x")},
        "<run>",
    )
    assert page.index("One.") < page.index("Shown.") < page.index("Details of x.")
    assert (
        "&lt;run&gt;" in page
        and '<section id="spikes_c">' in page
        and "Gene sequences c" in page
        and "http" not in page
    )


TABLE = pd.DataFrame(
    [
        ("a", 1, "R", 0.5, "x"),
        ("b", 1, "R", 0.7, "x"),
        ("a", 2, "R", 0.1, "y"),
        ("b", 2, "R", 0.3, "y"),
        ("a", 2, "other", 9.0, "y"),
        ("a", 3, "R", None, "z"),
    ],
    columns=["class", "layer", "statistic", "value", "site"],
)


def test_headlines_by_hand():
    where = {"statistic": "R"}
    assert headline(Headline("R", where), TABLE) == "R: 0.6 at layer 1, 0.2 at layer 2."
    assert headline(Headline("R", where, "site"), TABLE) == "R: from 0.2 (y) to 0.6 (x), 0.4 on average."
    assert headline(Headline("R", where), TABLE[:2]) == "R: 0.6 at layer 1."
    assert headline(Headline("R", {"statistic": "none"}), TABLE) == ""


def test_claims_by_hand():
    rows = [
        ("It rises.", "undecided", 0.1, -0.1, 0.3, 5),
        ("It falls.", "contradicted", 0.5, 0.4, 0.6, 12),
        ("It stays.", "contradicted", 0.2, None, None, 3),
    ]
    findings = pd.DataFrame(rows, columns=["claim", "verdict", "value", "low", "high", "n"])
    assert claims_of(findings) == (
        "Claims compared: 2 contradicted, 1 undecided. Contradicted: It falls (0.5 [0.4, 0.6], n = 12)."
    )
    assert claims_of(findings[:1]) == "Claims compared: 1 undecided."
    assert claims_of(findings[:0]) == ""


def test_an_analysis_without_a_headline_tells_its_first_statistic():
    assert headline(first_headline(TABLE), TABLE) == "R: 0.6 at layer 1, 0.2 at layer 2."
    assert headline(first_headline(TABLE.drop(columns="layer")), TABLE) == "R: from 0.3 (a) to 0.5 (b), 0.4 on average."


def test_headlines_are_of_analyses():
    assert HEADLINES.keys() <= {path.stem for path in (ROOT / "workflow/rules/analyses").glob("*.smk")}
