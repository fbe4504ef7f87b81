"""The view of one sequence in Chromium: its numbers, what is chosen, keys, names of any length, and where none is."""

from urllib.parse import quote

import pytest

from small_atlas import CLASSES, Size, contents, page, random_details

SIZE = Size()
DETAILS = random_details(SIZE, CLASSES)
LINES = """() => document.querySelector("main .js-plotly-plot").data
  .filter(({ mode, line }) => mode === "lines" && line.dash === undefined)
  .map(({ yaxis, x, y }) => [yaxis, [...x], [...y]])"""


def rows_of(table, name, **places):
    rows = DETAILS[f"example_{table}"]
    for column, value in {"accession": name, **places}.items():
        rows = rows[rows[column] == value]
    return rows


def lines(opened):
    """Places and values of the lines by axis."""
    return {axis: (x, y) for axis, x, y in opened.page.evaluate(LINES)}


def listed(opened):
    return opened.page.locator("select[name=sequence] option").all_text_contents()


def test_lines_are_those_of_the_tables(small):
    small.show("view=sequence&sequence=genome/4&layer=2&head=3&method=rollout")
    drawn = lines(small)
    attention = rows_of("attention", "genome/4", layer=2, head=3)
    for axis, kind in (("y3", "received"), ("y4", "from_cls")):
        assert drawn[axis][1] == pytest.approx(attention[kind].clip(lower=1e-5).tolist(), rel=0.03)
    assert drawn["y5"][1] == pytest.approx(rows_of("kmers", "genome/4")["rollout"].tolist(), rel=1e-6)
    # k-mers of 12 bases, 9 apart: the first has the bases 1 to 12, whose middle is in residue 2.5.
    assert drawn["y5"][0][:2] == [2.5, 5.5]
    assert drawn["y6"][:2] == (
        [501, 501, None, 69, 69, None, 614, 614, None],
        [0, 0.25, None, 0, 1.5, None, 0, -0.125, None],
    )


def test_means_over_heads(small):
    small.show("view=sequence&sequence=genome/4&layer=1")
    wanted = rows_of("attention", "genome/4", layer=1).groupby("token")["from_cls"].mean()
    assert lines(small)["y4"][1] == pytest.approx(wanted.tolist(), rel=0.03, abs=1e-5)


def test_mutations_and_the_answer(small):
    small.show("view=sequence&sequence=genome/0")
    said = DETAILS["predictions"].iloc[0]
    chance = said["p_beta"]
    found = small.rows("Mutations of this sequence")
    assert [row[:4] for row in found] == [
        ["del 69-70", "69", "NTD", "gamma"],
        ["N501Y", "501", "RBD", "alpha"],
        ["D614G", "614", "SD2", ""],
    ]
    assert [float(row[4]) for row in found] == [1.5, 0.25, -0.125]
    left = [min(1, chance * factor) for factor in (0.22313, 0.77880, 1.13315)]  # exp of -1.5, -0.25, 0.125
    assert [float(row[5]) for row in found] == pytest.approx(left, rel=1e-4)
    answer = dict(small.rows("The answer for this sequence"))
    assert (answer["class"], answer["called"], answer["next class"]) == ("alpha", "beta", "alpha")
    assert float(answer["probability"]) == pytest.approx(chance, rel=1e-5)
    assert answer["nearest training sequence"] == "train/1" and answer["bases that differ"] == "7"
    text = small.page.inner_text("main > p:nth-of-type(2)")
    assert text.startswith("genome/0, of class alpha, is called beta") and "0 of its 30 k-mers are unknown" in text
    assert "7 of 3800 bases differ" in text


def test_marks_are_in_the_row_of_the_class_that_they_define(small):
    small.show("view=sequence&sequence=genome/0")
    marks = small.page.evaluate(
        """() => document.querySelector("main .js-plotly-plot").data
        .filter(({ yaxis, mode }) => yaxis === "y2" && mode === "markers").map(({ name, x }) => [name, [...x]])"""
    )
    assert marks == [["defines alpha", [501]], ["defines beta", []], ["another class", [69]], ["none", [614]]]


def test_a_sequence_is_found_by_class_and_by_name(small):
    page = small.show("view=sequence")
    assert listed(small)[:2] == ["genome/0 (alpha, called beta)", "genome/1 (alpha)"] and len(listed(small)) == 6
    page.get_by_label("Class", exact=True).select_option("beta")
    assert listed(small) == ["genome/4 (beta)", "genome/5 (beta)"]
    page.get_by_label("Sequence", exact=True).select_option("genome/5")
    assert "class=beta" in page.url and f"sequence={quote('genome/5', safe='')}" in page.url
    assert page.inner_text("figcaption span").startswith("genome/5 (beta)")
    page.get_by_label("Search names and classes").type("GENOME/4")
    assert listed(small) == ["genome/4 (beta)"]
    assert page.inner_text("figcaption span").startswith("genome/4 (beta)")
    page.get_by_label("Search names and classes").type("x")
    assert listed(small) == [] and not page.locator("main figure").is_visible()
    assert "No sequence like this" in page.inner_text(".note")
    assert small.errors == []


def test_arrow_keys_read_the_kmers(small):
    page = small.show("view=sequence&sequence=genome/4&layer=1&head=1&method=rollout")
    page.locator("figure [role=application]").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    told = page.inner_text("#said")
    assert told.startswith("k-mer 2, residues 4-7 (SP); attention received from k-mers ")
    wanted = rows_of("kmers", "genome/4", token=2)["rollout"].item()
    assert float(told.rsplit("attribution ", 1)[1]) == pytest.approx(wanted, rel=5e-3)


def test_kmers_stand_where_their_bases_are_aligned(small):
    small.show("view=sequence&sequence=genome/1")
    # The fifth k-mer has the residues 12 to 15 of the reference.
    assert lines(small)["y5"][0][4] == 13.5
    assert "aligned with the reference" in " ".join(small.page.locator(".note").all_inner_texts())
    small.show("view=sequence&sequence=genome/0")
    assert "aligned with the reference" not in " ".join(small.page.locator(".note").all_inner_texts())


def test_numbers_are_saved(small):
    page = small.show("view=sequence&sequence=genome/4&layer=1&head=2")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the numbers").first.click()
    assert saved.value.suggested_filename == "small_sequence_genome_4_kmers.tsv"
    heads, first, *others = [line.split("\t") for line in saved.value.path().read_text(encoding="utf-8").splitlines()]
    assert heads == [
        "token",
        "residues",
        "attention received from k-mers, layer 1, head 2",
        "attention received from [CLS], layer 1, head 2",
        "integrated gradients from the reference, beta",
        "rollout of attention from [CLS], beta",
    ]
    own = rows_of("kmers", "genome/4").iloc[0]
    assert first[:2] == ["1", "1-4"] and len(others) == SIZE.kmers - 1
    assert [float(value) for value in first[4:]] == pytest.approx(
        [own["gradients_reference"], own["rollout"]], rel=1e-6
    )


def test_the_list_of_predictions_leads_to_the_sequences(small):
    page = small.show("view=predictions&find=genome/5")
    page.locator("main td a").first.click()
    small.settle()
    assert page.inner_text("h2") == "One sequence"
    assert page.inner_text("figcaption span").startswith("genome/5 (beta)")
    # Of a sequence that is not among them, its place among the others is shown.
    small.show("view=predictions&find=genome/7")
    page.locator("main td a").first.click()
    small.settle()
    assert page.inner_text("h2") == "The space of the sequences"


def test_without_sequences_the_view_says_so(open_atlas):
    opened = open_atlas(page(contents(SIZE, CLASSES, without=("example_sequences",))))
    opened.show("view=sequence&sequence=genome/4")
    assert "atlas.sequences_per_class is 0" in opened.page.inner_text(".note")
    opened.show("view=predictions")
    assert "view=space" in opened.page.locator("main td a").first.get_attribute("href") and opened.errors == []


def test_names_of_200_letters_fit_a_phone(open_atlas):
    accessions = [f"{i}{'<b>W' * 50}" for i in range(len(CLASSES) * SIZE.sequences)]
    opened = open_atlas(
        page(contents(SIZE, CLASSES, accessions)), viewport={"width": 390, "height": 800}, color_scheme="dark"
    )
    opened.show(f"view=sequence&sequence={quote(accessions[1], safe='')}")
    assert opened.page.inner_text("main > p:nth-of-type(2)").startswith(accessions[1])
    assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert opened.page.locator("main b").count() == 0 and opened.errors == []
