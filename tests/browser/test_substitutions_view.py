"""The view of substitutions in Chromium: its numbers, what is chosen, keys, and what is left out."""

import pytest

from small_atlas import CLASSES, Size, contents, page, random_details
from spikegeometry.figures.amino_acids import AMINO_ACIDS as ACIDS

SIZE = Size()
TABLE = random_details(SIZE, CLASSES)["substitutions"]
# Half of the last digit that the page has.
CLOSE = 0.0005


def scores(sequence, column):
    """A score by residue and amino acid."""
    return TABLE[TABLE["sequence"] == sequence].pivot(index="residue", columns="amino_acid", values=column)


def shown(opened):
    """Residues and amino acids on the axes, and what the cells say, by residue and amino acid."""
    return opened.page.evaluate(
        """() => {
          const { layout, data } = document.querySelector("main .js-plotly-plot");
          const told = data[0].hovertext;
          const cells = layout.xaxis.ticktext.map((residue, x) => [residue, [...told.map((row) => row[x])]]);
          return [[...layout.yaxis.ticktext].join(""), Object.fromEntries(cells)];
        }"""
    )


def number(text):
    return float(text.split(";")[0].rsplit(" ", 1)[1])


@pytest.mark.parametrize(
    ("sequence", "score", "column"),
    [("reference", "beta", "change_beta"), ("alpha", "gamma", "change_gamma"), ("alpha", "masked", "masked")],
)
def test_cells_say_the_scores_of_the_table(small, sequence, score, column):
    small.show(f"view=substitutions&in={sequence}&score={score}")
    acids, told = shown(small)
    assert acids == ACIDS and list(told) == [str(residue) for residue in range(1, 24, 2)]
    expected = scores(sequence, column)
    for residue, texts in told.items():
        for acid, text in zip(ACIDS, texts, strict=True):
            if acid == "N":
                assert text == f"N{residue}N: the sequence's own residue"
            elif column == "masked" and acid == "C":
                assert text.split("; ")[1] == "1 k-mer unknown to the network" and "not known" in text
            else:
                assert text.startswith(f"N{residue}{acid} (") and abs(
                    number(text) - expected.loc[int(residue), acid]
                ) < CLOSE * (1 + 1e-6)


def test_the_largest_rise_is_that_of_all_classes(small):
    small.show("view=substitutions")
    assert small.page.locator("select[name=score]").input_value() == "largest"
    rises = [scores("reference", f"change_{name}") for name in CLASSES]
    acids, told = shown(small)
    assert number(told["5"][acids.index("W")]) == pytest.approx(max(rise.loc[5, "W"] for rise in rises), abs=CLOSE)
    # Of the colours, 0 is in the middle, and the sign of a change is that of the number that is drawn.
    z = small.figures()[0]["z"]
    assert (z[ACIDS.index("W")][2] > 0) == (max(rise.loc[5, "W"] for rise in rises) > 0)


def test_what_defines_a_class_is_marked_and_named(small):
    page = small.show("view=substitutions&score=beta")
    marks = page.evaluate(
        """() => document.querySelector("main .js-plotly-plot").data.slice(1).map(({ x, y }) => [[...x], [...y]])"""
    )
    own, defining = marks
    assert own == [list(range(SIZE.residues)), [ACIDS.index("N")] * SIZE.residues]
    assert defining == [[0], [ACIDS.index("Y")]]
    assert shown(small)[1]["1"][ACIDS.index("Y")].endswith("; defines alpha, beta")


def test_changes_are_listed_with_the_largest_first(small):
    page = small.show("view=substitutions&score=beta&known=1")
    expected = scores("reference", "change_beta").drop(columns=["N", "C"]).stack()
    largest = expected.abs().sort_values(ascending=False).index[0]
    rows = small.rows("The first 30 of 216 substitutions in reference")
    assert rows[0][0] == f"N{largest[0]}{largest[1]}"
    assert float(rows[0][2]) == pytest.approx(expected[largest], abs=CLOSE)
    assert not any(row[0].endswith("C") for row in rows)
    page.locator("main td a").first.click()
    small.settle()
    assert page.inner_text(".readout").startswith(f"N{largest[0]}{largest[1]} (")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the numbers").click()
    lines = saved.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t")[2] == "probability of beta" and len(lines) == 217


def test_a_chosen_substitution_in_each_sequence(small):
    small.show("view=substitutions&residue=3&to=K&score=alpha")
    rows = small.rows("Residue 3 as K, in each sequence")
    assert [row[0] for row in rows] == ["masked model: the new k-mers", *(f"probability of {name}" for name in CLASSES)]
    for row, column in zip(rows, ["masked", *(f"change_{name}" for name in CLASSES)], strict=True):
        expected = [scores(sequence, column).loc[3, "K"] for sequence in ("reference", "alpha")]
        assert [float(cell) for cell in row[1:]] == pytest.approx(expected, abs=CLOSE)
    small.show("view=substitutions&residue=3&to=N")
    assert [row[1:] for row in small.rows("Residue 3 as N")] == [["its own", "its own"]] * 4


def test_arrow_keys_go_from_cell_to_cell_and_the_kmer_follows(small):
    page = small.show("view=substitutions&residue=7&to=R&score=beta")
    page.locator("figure [role=application]").focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    small.settle()
    told = page.inner_text("#said")
    assert told.startswith("N9K (") and number(told) == pytest.approx(
        scores("reference", "change_beta").loc[9, "K"], abs=CLOSE
    )
    # Residue 9 has the bases 25 to 27. The third k-mer has the bases 19 to 30, the fourth 28 to 39.
    assert "token=3" in page.url
    page.keyboard.press("4")
    small.settle()
    assert page.inner_text(".readout").startswith("K-mer 3 is chosen")


def test_zoom_shows_the_residues_of_a_domain(small):
    small.show("view=substitutions&zoom=SP")
    assert list(shown(small)[1]) == [str(residue) for residue in range(1, 14, 2)]
    page = small.show("view=substitutions&zoom=RBD")
    assert "No residue of RBD was substituted" in page.inner_text(".note")
    assert not page.locator("main figure").is_visible() and small.errors == []


def test_without_substitutions_the_view_says_so(open_atlas):
    data = contents(SIZE, CLASSES)
    data["substitutions"]["sequences"] = []
    opened = open_atlas(page(data))
    opened.show("view=substitutions")
    assert "residues.tsv says why" in opened.page.inner_text(".note") and opened.errors == []
