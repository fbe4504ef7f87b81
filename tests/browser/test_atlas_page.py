"""The atlas in a browser: every view opens, shows the numbers of the tables, and follows its address."""

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from small_atlas import CLASSES, RandomMaps, Size, contents, page, random_details, random_tables

VIEWS = ["findings", "grid", "head", "track", "sequence", "substitutions", "stream", "space", "predictions", "card"]
SIZE = Size()
HOSTILE = [
    "<b>b</b><script>window.hacked=1</script>",
    "\"'><img src=x onerror=window.hacked=1>&amp;",
    "<a href='javascript:window.hacked=1'>" + "very long " * 300,
]


def state(opened):
    return parse_qs(urlsplit(opened.page.url).fragment)


# Views


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_view_opens_without_an_error_or_a_request(small, view, theme):
    small.errors.clear()
    small.requests.clear()
    small.show(f"view={view}&theme={theme}")
    figures = small.figures()
    assert figures and all(figure["title"] and figure["label"].startswith(figure["title"]) for figure in figures)
    assert small.page.locator("[aria-current=page]").get_attribute("data-view") == view
    assert small.errors == []
    assert {urlsplit(url).scheme for url in small.requests} <= {"file", "about", "data", "blob"}


def test_page_may_not_reach_the_network(small):
    small.show("view=card")
    refused = small.page.evaluate("fetch('http://localhost:9/').then(() => 'sent', (error) => String(error))")
    assert "Failed to fetch" in refused
    assert any("Content Security Policy" in text for text in small.errors)


@pytest.mark.parametrize("view", VIEWS)
def test_view_without_its_analyses_says_so(open_atlas, view):
    gone = (
        "isotropy",
        "cone_index",
        "attention_gates",
        "pairs",
        "tokens",
        "attributions",
        "spectra",
        "spaces",
        "contrasts",
        "substitutions",
    )
    opened = open_atlas(page(contents(SIZE, CLASSES, without=gone)))
    opened.show(f"view={view}")
    assert opened.errors == []
    words = dict.fromkeys(("grid", "card"), "cone_index, isotropy. analyses.NAME.activate: true")
    words |= {
        "head": "analyses.subspace_directionality.activate: true",
        "track": "analyses.attributions.activate: true",
        "substitutions": "analyses.in_silico_mutagenesis.activate: true",
        "stream": "analyses.cone_index.activate: true",
    }
    assert words.get(view, "") in " ".join(opened.page.locator(".note").all_inner_texts())


# Numbers


def test_the_atlas_opens_with_the_findings(small):
    small.show("")
    assert small.page.locator("[aria-current=page]").get_attribute("data-view") == "findings"
    rows = small.page.locator("main tbody tr")
    assert rows.count() == 3
    assert rows.first.locator("td").all_inner_texts() == [
        *(
            "Upper layers are narrower.",
            "supported",
            "0.5",
            "0.25",
            "0.75",
            "12",
            "0.1",
            "1 of 1",
            "isotropy",
            "Doe 2020",
        )
    ]
    assert rows.first.locator("a").get_attribute("href") == "geometry/isotropy.svg"
    (drawn,) = small.figures()
    assert "1 supported, 1 undecided, 1 not applicable" in drawn["label"]
    small.page.get_by_label("Verdict", exact=True).select_option("undecided")
    assert rows.count() == 1 and "verdict=undecided" in small.page.url


def test_grid_shows_the_table(small):
    small.show("view=grid&stat=log2_enrichment.RBD&class=beta")
    table = random_tables(SIZE, CLASSES)["attention_domains"]
    rows = table[(table["domain"] == "RBD") & (table["statistic"] == "log2_enrichment") & (table["class"] == "beta")]
    wanted = {
        (f"layer {row.layer}, head {int(row.head)}", row.value, f"{row.low:.10g} to {row.high:.10g}")
        for row in rows.itertuples()
    }
    shown = small.rows("Attention to RBD")
    assert {(name, float(value), interval) for name, value, interval, _ in shown} == wanted
    assert {row[3] for row in shown} == {"10"}
    (figure,) = small.figures()
    assert np.ravel(figure["z"]).tolist() == rows.sort_values(["layer", "head"])["value"].tolist()


def test_two_classes_are_compared(small):
    small.show("view=grid&stat=log2_enrichment.RBD&class=beta&class=gamma&only=1")
    table = random_tables(SIZE, CLASSES)["attention_domains"]
    rows = table[(table["domain"] == "RBD") & (table["statistic"] == "log2_enrichment")]
    first, second = (rows[rows["class"] == name].set_index(["layer", "head"]) for name in ("beta", "gamma"))
    tests = random_details(SIZE, CLASSES)["contrasts"]
    tests = tests[(tests["domain"] == "RBD") & (tests["first"] == "beta") & (tests["second"] == "gamma")]
    tests = tests[tests["q"] < 0.05].set_index(["layer", "head"])
    wanted = tests[(first["value"] - second["value"]).reindex(tests.index) > 0]
    assert len(wanted)
    shown = small.rows("Attention to RBD")
    assert {row[0] for row in shown} == {f"layer {layer}, head {int(head)}" for layer, head in wanted.index}
    assert small.page.inner_text("#answer").startswith(f"{len(wanted)} of {SIZE.layers * SIZE.heads} heads")
    for row in shown:
        assert float(row[7]) == pytest.approx(float(row[1]) - float(row[4]), rel=1e-5)
        assert float(row[9]) == 0.001
    interval = {row[0]: row[8] for row in shown}
    for layer, head, low, high in wanted.reset_index()[["layer", "head", "low", "high"]].itertuples(index=False):
        assert interval[f"layer {layer}, head {head}"] == f"{low:.10g} to {high:.10g}"


def test_classes_in_the_other_order_are_the_same_test_turned(small):
    rows = {}
    for pair in ("class=beta&class=gamma", "class=gamma&class=beta"):
        small.show(f"view=grid&stat=log2_enrichment.RBD&{pair}")
        rows[pair] = {row[0]: row[8:] for row in small.rows("Attention to RBD") if row[9]}
    straight, turned = rows.values()
    assert straight.keys() == turned.keys() and len(straight)
    for name, (interval, q) in straight.items():
        low, high = map(float, interval.split(" to "))
        assert ([-high, -low], q) == ([float(bound) for bound in turned[name][0].split(" to ")], turned[name][1])


def test_another_network_stands_beside_this_one(small):
    small.show("view=grid&stat=head_ablation.zero.d_accuracy&class=gamma&against=random")
    rows = [
        table.loc[
            (table["variant"] == "zero") & (table["statistic"] == "d_accuracy") & (table["class"] == "gamma"),
            ["layer", "head", "value"],
        ].set_index(["layer", "head"])["value"]
        for table in (random_tables(SIZE, CLASSES, seed)["head_ablation"] for seed in (0, 1))
    ]
    shown = small.rows("Ablation: accuracy")
    assert len(shown) == SIZE.layers * SIZE.heads
    for row in shown:
        place = tuple(map(int, re.findall(r"\d+", row[0])))
        assert [float(row[1]), float(row[4])] == [one[place] for one in rows]
        assert float(row[7]) == pytest.approx(rows[0][place] - rows[1][place], rel=1e-5)
    titles = [one["title"] for one in small.figures()]
    assert titles[2] == "gamma, fine-tuned minus gamma, untrained"
    assert small.page.get_by_label("Compare with").input_value() == "network random"
    # Of a statistic that only this network has, there is nothing to compare with.
    small.show("view=grid&stat=attention_maps.to_cls&class=gamma&against=random")
    assert len(small.figures()) == 1 and small.page.get_by_label("Compare with").input_value() == ""


def test_another_network_by_layer(small):
    small.show("view=stream&class=alpha&panel2=isotropy.isoscore&against=random")
    wanted = {}
    for network, seed in (("fine-tuned", 0), ("untrained", 1)):
        table = random_tables(SIZE, CLASSES, seed)["isotropy"]
        rows = table[(table["class"] == "alpha") & (table["statistic"] == "isoscore")].sort_values("layer")
        wanted[network] = rows["value"].tolist()
    shown = small.rows("IsoScore")
    assert {name: [float(row[3]) for row in shown if row[1] == name] for name in wanted} == wanted
    words = " ".join(small.page.locator(".note").all_inner_texts())
    assert "It was not measured of the untrained network." in words


def test_a_step_of_the_training_beside_the_network_that_was_kept(small):
    """By a link, by the slider, and back at its right end; in Heads and in Layers."""
    heads = random_details(SIZE, CLASSES)["trajectory"].query("statistic == 'H_norm'")

    def values(phase, step):
        rows = heads[(heads["phase"] == phase) & (heads["step"] == step)].sort_values(["layer", "head"])
        return sorted(rows["value"])

    small.show("view=grid&stat=attention_entropy.H_norm&class=beta&step=2")
    assert (
        small.figures()[1]["title"] == "Entropy of attention, all classes, pre-training, step 1 of 9 (n\u00a0=\u00a06)"
    )
    assert sorted(float(row[4]) for row in small.rows("Entropy of attention")) == values("pretrain", 1)
    slider = small.page.get_by_label("Step of the training")
    slider.focus()
    slider.press("ArrowRight")
    small.settle()
    assert "step=3" in small.page.url and "step 9 of 9" in small.page.inner_text("output")
    assert sorted(float(row[4]) for row in small.rows("Entropy of attention")) == values("pretrain", 9)
    assert small.page.evaluate("document.activeElement.name") == "step"
    slider.press("End")
    small.settle()
    assert "step=" not in small.page.url and small.page.inner_text("output") == "the network that was kept"
    assert small.figures()[0]["title"].startswith("Entropy of attention, beta")
    # Of what is not measured along the training there is no slider.
    small.show("view=grid&stat=head_ablation.zero.d_accuracy&step=2")
    assert not slider.is_visible() and len(small.figures()) == 1
    small.show("view=stream&panel2=isotropy.isoscore&step=4")
    curves = random_details(SIZE, CLASSES)["curves"].query(
        "statistic == 'isoscore' and phase == 'finetune' and step == 0"
    )
    shown = [float(row[3]) for row in small.rows("IsoScore") if row[1] == "fine-tuning, step 0 of 3"]
    assert shown == curves.sort_values("layer")["value"].tolist()


def test_head_shows_the_table_and_the_pairs(small):
    small.show("layer=2&head=3&class=gamma")
    gates = random_tables(SIZE, CLASSES)["attention_gates"]
    rows = gates[(gates["class"] == "gamma") & (gates["layer"] == 2) & (gates["head"] == 3)]
    vertical = rows[rows["statistic"] == "vertical"].iloc[0]
    shown = {row[0]: row for row in small.rows("Statistics of")}
    assert float(shown["Gate score: vertical"][2]) == vertical["value"]
    pairs = random_details(SIZE, CLASSES)["pairs"]
    mine = pairs[(pairs["class"] == "gamma") & (pairs["layer"] == 2) & (pairs["head"] == 3)]
    largest = mine.sort_values("mean", ascending=False).head(15)["mean"].tolist()
    assert [float(row[4]) for row in small.rows("Pairs of k-mers")] == largest


def test_track_shows_the_table(small):
    small.show("view=track&class=beta&layer=1&head=2")
    lines = small.page.evaluate(
        """document.querySelector(".js-plotly-plot").data.filter(({ name }) => name !== "uniform attention")
        .map(({ yaxis, y }) => [yaxis, [...y]])"""
    )
    details = random_details(SIZE, CLASSES)
    tokens = details["tokens"]
    rows = tokens[(tokens["class"] == "beta") & (tokens["layer"] == 1) & (tokens["head"] == 2)]
    assert dict(lines)["y3"] == pytest.approx(rows["received"].tolist(), rel=0.02)
    attributions = details["attributions"]
    assert dict(lines)["y4"] == attributions.loc[attributions["class"] == "beta", "value"].tolist()


def test_stream_shows_the_table(small):
    small.show("view=stream&class=alpha&panel2=isotropy.isoscore")
    isotropy = random_tables(SIZE, CLASSES)["isotropy"]
    rows = isotropy[(isotropy["class"] == "alpha") & (isotropy["statistic"] == "isoscore")]
    figure = next(one for one in small.figures() if one["title"] == "Isotropy: IsoScore")
    assert figure["y"] == rows.sort_values("layer")["value"].tolist()
    assert [float(row[3]) for row in small.rows("IsoScore")] == figure["y"]


def test_predictions_show_the_table(small):
    small.show("view=predictions")
    predictions = random_details(SIZE, CLASSES)["predictions"].set_index("accession")
    shown = small.rows("12 sequences")
    assert len(shown) == len(predictions) == 12
    assert shown[0][:3] == ["genome/0", "alpha", "beta"]
    for row in shown:
        wanted = predictions.loc[row[0], [f"p_{name}" for name in CLASSES]].tolist()
        assert [float(value) for value in row[5:]] == pytest.approx(wanted, abs=5e-5)
    (figure,) = small.figures()
    assert figure["z"][0] == [0.75, 0.25, 0]


def test_card_shows_the_metrics(small):
    small.show("view=card")
    assert small.rows("accuracy") == [
        ["test", "fine-tuned", "0.875", "0.5 to 0.96", "8"],
        ["test", "most frequent class", "0.5", "0.2 to 0.8", "8"],
    ]
    assert ["package", "numpy", "2.4.6"] in small.rows("Programs")
    assert ["split by", "haplotype"] in small.rows("Where the genomes come from")
    assert small.page.get_attribute("main ul a", "href") == "evaluation/metrics.tsv"


def test_small_maps_have_the_colours_of_their_cells(small):
    page = small.show("view=grid&class=gamma")
    assert page.locator(".thumbnails a").count() == SIZE.layers * SIZE.heads
    head = page.get_by_role("link", name="layer 2, head 3", exact=True).last
    head.scroll_into_view_if_needed()
    small.settle()
    red = head.evaluate(
        """(link) => { const canvas = link.querySelector("canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return [...data].filter((_, i) => i % 4 === 0); }"""
    )
    cells = RandomMaps(SIZE, CLASSES)["gamma"][1, 2, 1:-1, 1:-1].ravel()
    # Red grows all along the scale but at its dark end; ties there and beyond the range do not count.
    inner = np.flatnonzero((np.array(red) > 60) & (np.array(red) < 250))
    assert len(inner) > 100
    assert (np.diff(np.array(red)[inner][np.argsort(cells[inner])]) >= 0).mean() > 0.98
    head.click()
    small.settle()
    assert (state(small)["view"], state(small)["layer"], state(small)["head"]) == (["head"], ["2"], ["3"])


# What is chosen in one view, in the others


def test_a_layer_a_class_and_a_kmer_are_chosen_in_all_views(small):
    page = small.show("view=stream&class=gamma")
    page.evaluate("""document.querySelector(".js-plotly-plot").emit("plotly_click", { points: [{ x: 2 }] })""")
    assert state(small)["layer"] == ["2"]
    line = "[...document.querySelectorAll('.js-plotly-plot')].map((one) => one.layout.shapes?.at(-1)?.x0)"
    assert page.evaluate(line) == [2, 2, 2, 2]
    page.get_by_role("link", name="Space").click()
    small.settle()
    assert page.locator("input[name=layer]").input_value() == "2"
    assert {
        row["name"]
        for row in page.evaluate("document.querySelector('.js-plotly-plot').data.map(({ name }) => ({ name }))")
    } == {"gamma"}
    page.get_by_role("link", name="Predictions").click()
    small.settle()
    assert {row[1] for row in small.rows("4 sequences")} == {"gamma"}
    page.get_by_role("link", name="Protein").click()
    small.settle()
    page.evaluate(
        """(() => { const area = document.querySelector(".js-plotly-plot");
        area.emit("plotly_click", { points: [{ data: area.data.find(({ yaxis }) => yaxis === "y3"), pointNumber: 4 }] })
        })()"""
    )
    assert state(small)["token"] == ["5"]
    # K-mers of 12 bases, each 9 after the one before: the fifth is of the bases 37 to 48, residues 13 to 16.
    assert "K-mer 5 is chosen, residues 13-16" in page.inner_text(".readout")
    assert page.evaluate(line) == [14.5]
    page.get_by_role("link", name="One head").click()
    small.settle()
    assert page.evaluate(line)[0] == 14.5


def test_a_sequence_is_chosen_in_all_views(small):
    page = small.show("view=space&class=beta")
    page.evaluate(
        """(() => { const area = document.querySelector(".js-plotly-plot");
        area.emit("plotly_click", { points: [{ data: area.data[0], pointNumber: 1 }] }) })()"""
    )
    assert state(small)["sequence"] == ["genome/5"]
    assert "Chosen, as the black diamond: genome/5." in page.inner_text(".readout")
    page.get_by_role("link", name="Predictions").click()
    small.settle()
    assert page.locator("tr.here td").first.inner_text() == "genome/5"


# On paper and on a phone


@pytest.fixture(scope="module")
def phone(open_atlas):
    return open_atlas(page(contents(SIZE, CLASSES)), viewport={"width": 390, "height": 800})


@pytest.fixture(scope="module")
def paper(open_atlas):
    return open_atlas(page(contents(SIZE, CLASSES)), viewport={"width": 718, "height": 1000})


@pytest.mark.parametrize("view", VIEWS)
def test_on_a_phone_nothing_is_wider_than_the_page(phone, view):
    phone.show(f"view={view}")
    assert phone.page.evaluate("document.scrollingElement.scrollWidth") == 390
    assert phone.errors == []


@pytest.mark.parametrize("view", VIEWS)
def test_on_paper_tables_are_whole_and_figures_fit(paper, view):
    shown = paper.show(f"view={view}&theme=dark")
    shown.emulate_media(media="print")
    shown.evaluate("dispatchEvent(new Event('beforeprint'))")
    paper.settle()
    assert shown.evaluate("document.scrollingElement.scrollWidth") <= 718
    cut = "(one) => one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1"
    assert shown.evaluate(f"[...document.querySelectorAll('.scroll')].filter({cut}).length") == 0
    widths = shown.evaluate(
        "[...document.querySelectorAll('figure:not([hidden]) .js-plotly-plot')].map((one) => one.layout.width)"
    )
    assert widths and set(widths) == {680}
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    shown.emulate_media(media="screen")
    shown.evaluate("dispatchEvent(new Event('afterprint'))")
    assert shown.evaluate("document.documentElement.dataset.theme") == "dark"


# Addresses and keys


def test_an_address_restores_its_view(small):
    small.show("layer=2&head=3&class=gamma&class=beta&queries=RBD&between=minus")
    page = small.page
    chosen = {name: page.input_value(f"select[name={name}]") for name in ("layer", "head", "queries", "between")}
    assert chosen == {"layer": "2", "head": "3", "queries": "RBD", "between": "minus"}
    assert page.locator("main select").nth(2).input_value() == "gamma"
    assert [figure["title"] for figure in small.figures()][:3] == [
        "layer 2, head 3: gamma (n\u00a0=\u00a04)",
        "layer 2, head 3: beta (n\u00a0=\u00a04)",
        "layer 2, head 3: gamma against beta",
    ]


def test_what_is_chosen_stands_in_the_address(small):
    small.show("view=grid")
    page = small.page
    page.select_option("select[name=stat]", "role")
    page.get_by_label("Class", exact=True).select_option("beta")
    page.get_by_label("Compare with").select_option("class gamma")
    small.settle()
    assert state(small) == {"view": ["grid"], "stat": ["role"], "class": ["beta", "gamma"]}
    before = small.figures()
    small.show(urlsplit(page.url).fragment)
    assert small.figures() == before
    page.go_back()


@pytest.mark.parametrize(
    "address",
    ["layer=99&head=abc", "view=none", "class=%3Cscript%3E&stat=x", "view=space&layer=-3", "view=track&layer=1e9"],
)
def test_a_broken_address_opens_something(small, address):
    small.errors.clear()
    small.show(address)
    assert small.figures() and small.errors == []


def test_keys_go_through_views_and_heads(small):
    small.show("view=card")
    page = small.page
    page.keyboard.press("2")
    small.settle()
    assert state(small)["view"] == ["grid"]
    page.locator("figure [role=application]").first.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    small.settle()
    assert (state(small)["layer"], state(small)["head"]) == (["2"], ["3"])
    assert page.inner_text("#said").startswith("layer 2, head 3:")
    page.keyboard.press("Enter")
    small.settle()
    assert page.inner_text("h2") == "One head"
    page.get_by_role("button", name="Head before").press("Enter")
    small.settle()
    assert state(small)["head"] == ["2"]


def test_every_control_has_a_name_and_focus_stays(small):
    for view in VIEWS:
        page = small.show(f"view={view}")
        nameless = page.evaluate(
            """[...document.querySelectorAll("main select, main input, main button")].filter(
              (one) => !one.labels?.length && !one.getAttribute("aria-label") && !one.textContent.trim()).length"""
        )
        assert nameless == 0
    page = small.show("view=stream")
    page.get_by_role("checkbox", name="gamma").press("Space")
    small.settle()
    assert page.evaluate("document.activeElement.value") == "gamma"
    assert page.get_by_role("checkbox", name="gamma").is_checked()


def test_arrow_keys_read_a_map_and_turn_the_space(small):
    page = small.show("layer=2&head=3&class=gamma&class=beta")
    page.locator("figure [role=application]").first.focus()
    second = RandomMaps(SIZE, CLASSES)["gamma"][1, 2, 2, 1:-1]
    for key in ["ArrowDown"] + ["ArrowRight"] * int(second.argmax()):
        page.keyboard.press(key)
    told = page.inner_text("#said")
    assert told.startswith(f"query residues 4-7 (SP); key residues {3 * second.argmax() + 1}-")
    assert float(told.split()[-1]) == pytest.approx(second.max(), rel=0.05)
    page = small.show("view=space")
    eye = "document.querySelector('.js-plotly-plot').layout.scene.camera.eye.x"
    before = page.evaluate(eye)
    page.locator("figure [role=application]").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(eye) != before


def test_pointer_on_a_map_tells_residues_domain_and_value(small):
    page = small.show("layer=2&head=3&class=gamma")
    area = page.locator("figure [role=application]").first.bounding_box()
    page.mouse.move(area["x"] + area["width"] / 3, area["y"] + area["height"] / 2)
    page.wait_for_selector(".tip:not([hidden])")
    assert re.fullmatch(
        r"query residues \d+-\d+ \(.+\); key residues \d+-\d+ \(.+\): mean attention (at most )?[\d.]+",
        page.inner_text(".tip"),
    )
    page.mouse.move(0, 0)
    page.wait_for_selector(".tip", state="hidden")


def test_a_click_on_the_confusion_matrix_lists_its_sequences(small):
    page = small.show("view=predictions")
    page.locator(".js-plotly-plot .nsewdrag").click(position={"x": 100, "y": 20})
    small.settle()
    assert (state(small)["class"], state(small)["called"]) == (["alpha"], ["alpha"])
    assert {(row[1], row[2]) for row in small.rows("3 sequences")} == {("alpha", "alpha")}


def test_without_javascript_the_page_says_what_it_needs(open_atlas):
    opened = open_atlas(page(contents(SIZE, CLASSES)), java_script_enabled=False)
    opened.page.goto(opened.file.as_uri())
    assert "JavaScript" in opened.page.inner_text("noscript")


@pytest.mark.parametrize("kind", ["SVG", "PNG"])
@pytest.mark.parametrize("view", VIEWS)
def test_figures_are_saved(small, view, kind):
    page = small.show(f"view={view}")
    with page.expect_download() as saved:
        page.locator("figure:not([hidden])").first.get_by_role("button", name=f"Save the figure as {kind}").click()
    assert re.fullmatch(rf"small_.+\.{kind.lower()}", saved.value.suggested_filename)
    start = saved.value.path().read_bytes()[:5]
    assert start == (b"<svg " if kind == "SVG" else b"\x89PNG\r")


def test_numbers_are_saved(small):
    page = small.show("view=grid&stat=log2_enrichment.RBD&class=beta")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the numbers").click()
    lines = saved.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t") == ["head", "beta", "low", "high", "n"]
    _, value, low, high, n = lines[1].split("\t")
    assert float(low) == pytest.approx(float(value) - 0.25) and float(high) == pytest.approx(float(value) + 0.25)
    assert n == "10" and saved.value.suggested_filename == "small_heads_log2_enrichment.RBD.tsv"
    assert len(lines) == 1 + SIZE.layers * SIZE.heads


# Hostile names


def test_hostile_names_are_text(open_atlas):
    accessions = [f"{name} {i}" for i, name in enumerate(HOSTILE * 4)]
    opened = open_atlas(page(contents(SIZE, HOSTILE, accessions)))
    for view in VIEWS:
        opened.show(f"view={view}")
        opened.page.mouse.move(400, 500)
        assert opened.page.evaluate("window.hacked") is None
        assert opened.page.locator("img, main script, main a[href^=javascript]").count() == 0
        assert opened.errors == []
        assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), view
    # plotly.js would take some of them for HTML.
    legend = opened.show("view=space").locator(".legendtext").all_text_contents()
    assert {text[:27] for text in legend} == {name[:27] for name in HOSTILE}
    opened.show("view=predictions")
    assert {row[0] for row in opened.rows("12 sequences")} == set(accessions)
    assert opened.page.evaluate("window.hacked") is None
