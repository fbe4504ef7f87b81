"""Pages (atlas, answers, runs side by side) judged by axe: no violation of levels A and AA, in light and in dark."""

from importlib.resources import files

import pandas as pd
import pytest

from small_atlas import CLASSES, Size, contents, page
from spikegeometry.evaluation.queries import COLUMNS
from spikegeometry.report.comparison import comparison_page
from spikegeometry.report.query import query_page
from spikegeometry.report.runs import COLUMNS as COMPARED
from spikegeometry.report.statistics import OF_LAYERS

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
VIEWS = ["findings", "grid", "head", "track", "sequence", "substitutions", "stream", "space", "predictions", "card"]


def violations(page) -> list[str]:
    """What axe finds: the rule, and the elements that break it."""
    page.evaluate(AXE)
    found = page.evaluate("(levels) => axe.run(document, { runOnly: levels })", LEVELS)
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found["violations"]]


@pytest.fixture(scope="module", params=["light", "dark"])
def shown(request, open_atlas):
    return open_atlas(page(contents(Size(), CLASSES)), color_scheme=request.param)


@pytest.mark.parametrize("view", VIEWS)
def test_views_of_the_atlas(shown, view):
    assert violations(shown.show(f"view={view}")) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_of_answers(open_atlas, scheme):
    row = dict.fromkeys(COLUMNS) | {"name": "x", "class": "beta", "probability": 0.9, "abstain": "no", "margin": 1.5}
    row |= {"mutations": "N501Y; del 69-70", "runner_up": "alpha", "runner_up_probability": 0.1, "detail": ""}
    row |= {"carried_by": "N501Y +1.25", "defining": "1 of 2, without K1Q"}
    about = {"classes": ["alpha", "beta"], "cautions": ["It has not learnt."], "sentences": ["Of 9 genomes."]}
    reversions = pd.DataFrame([("x", "N501Y", 501, 1.25)], columns=["accession", "mutation", "residue", "carried"])
    opened = open_atlas(query_page(pd.DataFrame([row]), reversions, "mine", "run", about, 1273), color_scheme=scheme)
    opened.show("").locator("summary").click()
    assert violations(opened.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_of_runs_side_by_side(open_atlas, scheme):
    runs, interval = ["one", "x" * 200], {"value": 0.5, "low": 0.25, "high": 0.75, "n": 9}
    rows = []
    for number, run in enumerate(runs):
        cosine = {"part": "layers", "analysis": "isotropy", "statistic": "mean_cosine", "labels": "scope=pooled"}
        rows += [
            {"part": "configuration", "run": run, "statistic": "seed", "text": str(number)},
            {"part": "metrics", "run": run, "set": "test", "model": "bert", "statistic": "accuracy"} | interval,
            *(
                cosine | {"run": run, "model": "finetuned", "layer": at, "depth": at / 2, "value": at + number}
                for at in (1, 2)
            ),
        ]
        for model in ("finetuned", "random"):
            finding = {"part": "findings", "run": run, "model": model, "analysis": "isotropy", "text": "supported"}
            rows.append(finding | {"statistic": "slope", "labels": "It rises."} | interval)
    difference = {"part": "differences", "run": runs[0], "against": runs[1], "set": "test", "model": "bert"}
    rows += [difference | {"statistic": "accuracy", "p": 0.5, "p_holm": 1.0, "text": "9 distinct"} | interval]
    rows += [difference | {"set": "new", "text": "no accession is in the set of both runs"}]
    table = pd.DataFrame(rows, columns=COMPARED)
    opened = open_atlas(comparison_page(table, runs, OF_LAYERS), color_scheme=scheme)
    assert opened.show("").locator("figure").count() == 1
    assert violations(opened.page) == []
    opened.page.set_viewport_size({"width": 390, "height": 800})
    assert opened.page.evaluate("document.scrollingElement.scrollWidth") == 390
