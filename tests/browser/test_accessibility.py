"""The atlas and the page of answers, judged by axe: no violation of levels A and AA, in light and in dark."""

from importlib.resources import files

import pandas as pd
import pytest

from small_atlas import CLASSES, Size, contents, page
from spikegeometry.evaluation.queries import COLUMNS
from spikegeometry.report.query import query_page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
VIEWS = ["findings", "grid", "head", "track", "sequence", "stream", "space", "predictions", "card"]


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
