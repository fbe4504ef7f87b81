"""Ten questions of someone who knows biology and not this code, each with the path to its answer.

The first three are answered by the report's first page, the fourth by the page of answers, the others by the atlas.
"""

import jinja2
import pandas as pd
import pytest
from docutils.core import publish_parts

from small_atlas import CLASSES, Size, random_details, random_tables
from spikegeometry.evaluation.queries import COLUMNS
from spikegeometry.report.front import front_page
from spikegeometry.report.query import query_page

SIZE = Size()
METRICS = pd.DataFrame(
    [
        ("test", "bert", "accuracy", 0.95, 0.9, 0.98, None, None, None, 80),
        ("test", "kmer_logistic", "accuracy", 0.975, 0.93, 0.99, -0.025, -0.06, 0.01, 80),
    ],
    columns=["set", "model", "metric", "value", "low", "high", "bert_less", "bert_less_low", "bert_less_high", "n"],
)


@pytest.fixture(scope="module")
def first_page(open_atlas):
    text = front_page(
        counts=pd.DataFrame({"class": "a", "outcome": ["accepted", "too_short"], "n": [100, 7]}),
        splits=pd.DataFrame(
            {"class": "a", "split": ["train", "test"], "genomes": [300, 150], "haplotypes": [200, 120]}
        ),
        metrics=METRICS,
        abstention=pd.DataFrame(
            [("strangers", "yes", "coverage_other", 0.125, 0.1, 0.2)],
            columns=["set", "used", "metric", "value", "low", "high"],
        ),
        findings=random_details(SIZE, CLASSES)["findings"].assign(untrained_low=None, untrained_high=None),
        tries=pd.DataFrame({"try": [1], "learnt": ["yes"], "chosen": ["yes"]}),
        leakage=pd.DataFrame(
            [("train-test", "a", "hamming_0", 3, 150), ("train-test", "a", "hamming_1", 9, 150)],
            columns=["pair", "class", "statistic", "value", "n"],
        ),
        source="table",
        template="",
    )
    body = publish_parts(jinja2.Template(text).render(), writer="html")["body"]
    return open_atlas(f"<!doctype html><title>report</title>{body}", viewport={"width": 1366, "height": 768})


def seen_at_once(opened, text):
    """Whether a text stands on the part of a page that is seen without scrolling."""
    box = opened.show("").get_by_text(text).first.bounding_box()
    return box is not None and box["y"] + box["height"] <= opened.page.viewport_size["height"]


def test_1_did_the_network_beat_a_linear_model(first_page):
    assert seen_at_once(first_page, "is -0.025 [-0.060, +0.010]: 0.950 against 0.975")


def test_2_how_many_genomes_were_rejected_and_why(first_page):
    assert seen_at_once(first_page, "100 genomes were accepted and 7 rejected (7 too_short)")


def test_3_how_much_of_the_test_split_was_as_good_as_seen_in_training(first_page):
    assert seen_at_once(first_page, "Of 150 test genomes 3 are in the training split base by base, and 12 are there")


def test_4_which_mutations_make_this_genome_delta(open_atlas):
    row = dict.fromkeys(COLUMNS) | {
        "name": "mine/1",
        "class": "delta",
        "probability": 0.99,
        "abstain": "no",
        "margin": 2,
    }
    row |= {"carried_by": "P681R +2.50; L452R +1.25", "mutations": "L452R; P681R; K9T", "detail": ""}
    row |= {"defining": "2 of 3, without T478K", "nearest": "EPI_1", "nearest_class": "delta"}
    row |= {"nearest_differences": 1, "nearest_compared": 3822}
    carried = pd.DataFrame(
        [("mine/1", "P681R", 681, 2.5), ("mine/1", "L452R", 452, 1.25), ("mine/1", "K9T", 9, -0.1)],
        columns=["accession", "mutation", "residue", "carried"],
    )
    about = {"classes": ["delta"], "cautions": [], "sentences": []}
    opened = open_atlas(query_page(pd.DataFrame([row]), carried, "mine", "run", about, 1273))
    page = opened.show("")
    page.get_by_placeholder("a name, class or mutation").fill("P681R")
    page.locator("summary").click()
    shown = page.locator("details").inner_text()
    assert "P681R +2.50; L452R +1.25" in shown and "2 of 3, without T478K" in shown
    assert "EPI_1 (delta): 1 of 3822 bases differ" in shown
    assert page.locator("details svg text").all_text_contents()[:2] == ["P681R", "L452R"]


def test_5_which_head_attends_to_a_part_of_the_protein_and_is_the_difference_between_classes_significant(small):
    page = small.show("")
    page.get_by_role("link", name="Heads").click()
    page.get_by_label("Statistic").select_option(label="Attention to RBD against its share of the protein")
    page.get_by_label("Class", exact=True).select_option("beta")
    page.get_by_label("Compare with").select_option("gamma")
    small.settle()
    tests = random_details(SIZE, CLASSES)["contrasts"]
    tests = tests[(tests["domain"] == "RBD") & (tests["first"] == "beta") & (tests["second"] == "gamma")]
    found = {f"layer {one.layer}, head {one.head}": one.q for one in tests.itertuples()}
    shown = {row[0]: float(row[9]) for row in small.rows("Attention to RBD") if row[9]}
    assert shown == found


def test_6_does_an_untrained_network_show_the_same(small):
    page = small.show("")
    assert page.inner_text("h2") == "What was found"
    (row,) = [row for row in small.rows("3 of 3 claims") if row[0] == "Upper layers are narrower."]
    assert row[1:8] == ["supported", "0.5", "0.25", "0.75", "12", "0.1", "1 of 1"]


def test_7_which_head_does_the_classifier_need_most(small):
    page = small.show("")
    page.get_by_role("link", name="Heads").click()
    title = "Ablation: log-probability with nothing in its place"
    page.get_by_label("Statistic").select_option(label=title)
    page.get_by_label("Class", exact=True).select_option("all")
    small.settle()
    table = random_tables(SIZE, CLASSES)["head_ablation"]
    rows = table[(table["statistic"] == "d_log_probability") & (table["variant"] == "zero") & (table["class"] == "all")]
    worst = rows.loc[rows["value"].idxmin()]
    shown = {name: float(value) for name, value, *_ in small.rows(title)}
    assert min(shown, key=shown.get) == f"layer {worst['layer']}, head {worst['head']:.0f}"


def test_8_from_which_layer_on_are_the_classes_apart(small):
    page = small.show("")
    page.get_by_role("link", name="Layers").click()
    small.settle()
    table = random_tables(SIZE, CLASSES)["clustering"]
    rows = table[
        (table["site"] == "cls") & (table["statistic"] == "accuracy") & (table["class"] == "all")
        & (table["method"] == "neighbours")
    ]  # fmt: skip
    shown = [row for row in small.rows("Nearest are of the class, [CLS]") if row[0] == "all classes"]
    assert [float(row[3]) for row in shown] == rows.sort_values("layer")["value"].tolist()


def test_9_which_mutations_define_a_class_and_where_are_they(small):
    page = small.show("")
    page.get_by_role("link", name="Protein").click()
    small.settle()
    assert small.rows("Mutations that define the chosen classes")[0][:3] == ["alpha", "N501Y", "A23063T"]


def test_10_which_test_sequences_are_called_wrongly_and_how_sure_is_the_model(small):
    page = small.show("")
    page.get_by_role("link", name="Predictions").click()
    small.settle()
    (wrong,) = [row for row in small.rows("12 sequences") if row[1] != row[2]]
    known = random_details(SIZE, CLASSES)["predictions"].set_index("accession").loc[wrong[0]]
    assert wrong[2] == known["predicted"]
    assert float(wrong[-2]) == pytest.approx(known["p_beta"], abs=5e-5)
