"""The atlas: its numbers are those of the tables, and nothing in it can become a program."""

import base64
import re

import numpy as np
import pandas as pd
import pytest

from small_atlas import PARTS, PROGRAMS, Size, contents, data_of, page, random_contrasts, random_details, random_tables
from spikegeometry.report.arrays import (
    STEPS,
    attention_arrays,
    bin_size,
    pooled,
    principal_components,
    profile_arrays,
)
from spikegeometry.report.atlas import embedded
from spikegeometry.report.cells import by_head, by_layer
from spikegeometry.report.contents import EXAMPLES
from spikegeometry.report.examples import BUDGET, single_sequences
from spikegeometry.report.statistics import ALONG, OF_HEADS, Statistic
from spikegeometry.report.substitutions import substitution_arrays
from spikegeometry.report.views import (
    PAIRS,
    POINTS,
    SEQUENCES,
    evenly,
    mutations_by_class,
    prediction_rows,
    strongest_pairs,
)

CLASSES = ["alpha", "beta"]
SIZE = Size()
DETAILS = random_details(SIZE, CLASSES)


@pytest.fixture(scope="module")
def atlas():
    return contents(SIZE, CLASSES)


# Statistics


def test_values_of_heads_are_those_of_the_table(atlas):
    tables = random_tables(SIZE, CLASSES)
    table = tables["attention_domains"]
    shown = {one["key"]: one for one in atlas["statistics"]}["log2_enrichment.RBD"]
    rows = table[(table["domain"] == "RBD") & (table["statistic"] == "log2_enrichment") & (table["class"] == "beta")]
    assert len(rows) == SIZE.layers * SIZE.heads
    for row in rows.itertuples():
        cell = (row.layer - 1) * SIZE.heads + int(row.head) - 1
        of_class = shown["classes"]["beta"]
        assert [of_class[name][cell] for name in ("value", "low", "high", "n")] == [row.value, row.low, row.high, row.n]


def test_every_statistic_of_the_tables_is_shown(atlas):
    assert {one.key for one in OF_HEADS} <= {one["key"] for one in atlas["statistics"]}
    assert set(atlas["statistics"][0]["classes"]) == {*CLASSES, "all"}
    assert {one["group"] for one in atlas["stream"]} == {
        "Cone index",
        "Isotropy",
        "Norms",
        "Separability of the classes",
    }


def test_an_entry_is_the_most_frequent_and_missing_heads_stay_empty():
    table = pd.DataFrame(
        [("alpha", 2, 1, "block", 0.25), ("alpha", 2, 1, "vertical", 0.75), ("alpha", 1, 2, "block", 1.0)],
        columns=["class", "layer", "head", "role", "value"],
    ).assign(n=4, low=0.1, high=0.9, variant="kmers", statistic="share")
    shown = by_head(OF_HEADS[0], table, {}, 2, 2)
    assert shown["categories"] == ["block", "vertical"]
    assert shown["classes"]["alpha"]["category"] == [None, 0, 1, None]
    assert shown["classes"]["alpha"]["value"] == [None, 1, 0.75, None]


def test_differences_of_two_classes(atlas):
    shown = atlas["contrasts"]["log2_enrichment.RBD"]
    table = random_contrasts(SIZE, CLASSES)
    rows = table[(table["domain"] == "RBD") & (table["first"] == CLASSES[0]) & (table["second"] == CLASSES[1])]
    one = shown[0]
    assert (one["first"], one["second"]) == tuple(CLASSES[:2])
    for row in rows.itertuples():
        cell = (row.layer - 1) * SIZE.heads + row.head - 1
        assert (one["low"][cell], one["high"][cell], one["q"][cell]) == (row.low, row.high, row.q)
    assert sum(value is not None for value in one["q"]) == len(rows) < SIZE.layers * SIZE.heads


def test_statistics_of_weights_have_no_class(atlas):
    shown = {one["key"]: one for one in atlas["statistics"]}["subspace_directionality.symmetry"]
    assert list(shown["classes"]) == [""]


def test_steps_of_the_training_beside_the_network_that_was_kept():
    """Each step's values stand in its place; statistics that are not measured along the training have none."""
    data = contents(SIZE, CLASSES)
    details = random_details(SIZE, CLASSES)
    assert [(one["phase"], one["step"], one["of"], one["kept"]) for one in data["steps"]] == [
        ("pre-training", 0, 9, False),
        ("pre-training", 1, 9, False),
        ("pre-training", 9, 9, True),
        ("fine-tuning", 0, 3, False),
        ("fine-tuning", 3, 3, True),
    ]
    of_heads = {one["key"]: one for one in data["statistics"]}
    of_layers = {one["key"]: one for one in data["stream"]}
    assert {key for key, one in (of_heads | of_layers).items() if one["steps"]} == set(ALONG)
    heads, curves = details["trajectory"], details["curves"]
    rows = heads.query("phase == 'finetune' and step == 3 and statistic == 'H_norm'").sort_values(["layer", "head"])
    assert of_heads["attention_entropy.H_norm"]["steps"][4]["value"] == rows["value"].tolist()
    rows = curves.query("phase == 'pretrain' and step == 1 and statistic == 'silhouette' and site == 'cls'")
    assert of_layers["separability.cls.silhouette"]["steps"][1]["value"] == rows["value"].tolist()
    role = of_heads["role"]
    assert {role["categories"][number] for number in role["steps"][0]["category"]} == {"block"}
    assert list(role["networks"]) == ["random"]
    without = contents(SIZE, CLASSES, without=("trajectory", "curves"))
    assert without["steps"] == [] and not any(one["steps"] for one in without["statistics"])


def test_other_networks_of_the_same_table_and_of_tables_of_their_own():
    asked = Statistic("key", "", "", "", "", "table", {"model": "finetuned", "statistic": "rank"})
    rows = [("finetuned", 1, 1, "rank", 4.0), ("random", 1, 2, "rank", 7.0), ("pretrained", 1, 1, "other", 9.0)]
    table = pd.DataFrame(rows, columns=["model", "layer", "head", "statistic", "value"])
    shown = by_head(asked, table, {}, 1, 2)
    assert shown["classes"][""]["value"] == [4, None]
    assert {name: of[""]["value"] for name, of in shown["networks"].items()} == {"random": [None, 7]}
    role = pd.DataFrame([("a", 1, 1, "block", 1.0)], columns=["class", "layer", "head", "role", "value"])
    role = role.assign(variant="kmers", statistic="share")
    beside = by_head(OF_HEADS[0], role, {"seed1": role.assign(role="vertical")}, 1, 1)
    # One list of categories for both, else the same number would be two roles.
    assert beside["categories"] == ["block", "vertical"]
    assert beside["classes"]["a"]["category"] == [0] and beside["networks"]["seed1"]["a"]["category"] == [1]


def test_a_statistic_without_rows_is_none():
    table = pd.DataFrame({"class": ["a"], "layer": [1], "head": [1], "statistic": ["other"], "value": [1.0]})
    asked = Statistic("key", "", "", "", "", "table", {"statistic": "wanted"})
    assert by_head(asked, table, {}, 1, 1) is None and by_layer(asked, table, {}) is None


def test_what_is_not_active_is_named():
    without = contents(SIZE, CLASSES, without=("attention_domains", "isotropy", "pairs", "spectra", "spaces"))
    assert without["missing"] == ["attention_domains", "isotropy"]
    assert without["pairs"] is None and without["spectra"] is None and without["space"]["maps"] == []


# Arrays


def unpacked(text, kind):
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def test_maps_come_back_within_the_error_that_the_page_names():
    maps = np.random.default_rng(0).random((2, 3, 40, 40)) ** 6
    maps[0, 0, 5, 6] = np.nan
    packed = attention_arrays([("alpha", maps, 7)], 1, 10**6)
    assert packed["bin"] == 1 and packed["side"] == packed["kmers"] == 38
    of_class = packed["classes"]["alpha"]
    cells = unpacked(of_class["cells"], "u1").reshape(6, 38, 38).astype(float)
    low, high = (np.array(of_class[name])[:, None, None] for name in ("low", "high"))
    read = low * (high / low) ** ((cells - 1) / 254)
    wanted = np.maximum(maps.reshape(6, 40, 40)[:, 1:-1, 1:-1], packed["smallest"])
    known = np.isfinite(wanted)
    assert (cells[~known] == 0).all() and (cells[known] > 0).all()
    assert (np.abs(read / wanted - 1)[known]).max() <= packed["error"] * 1.0001


def test_cells_are_means_and_the_last_of_fewer():
    maps = np.arange(9.0).reshape(1, 3, 3)
    assert pooled(maps, 2)[0].tolist() == [[2.0, 3.5], [6.5, 8.0]]
    maps[0, 0, 0] = np.nan
    assert pooled(maps, 2)[0, 0, 0] == pytest.approx((1 + 3 + 4) / 3)


def test_maps_of_bert_base_fit_the_budget():
    maps = 8 * 12 * 12
    size = bin_size(424, maps, 12_000_000)
    assert maps * (-(-424 // size)) ** 2 * 4 / 3 <= 12_000_000
    assert maps * (-(-424 // (size - 1))) ** 2 * 4 / 3 > 12_000_000


def test_a_map_of_equal_cells():
    packed = attention_arrays([("alpha", np.full((1, 1, 5, 5), 0.2), 7)], 1, 10**6)
    assert packed["error"] == 0
    assert set(unpacked(packed["classes"]["alpha"]["cells"], "u1")) == {1}


def test_components_keep_distances_and_equal_vectors_lie_together():
    vectors = np.random.default_rng(0).normal(size=(9, 3))
    points, shares = principal_components(vectors)
    between = [np.linalg.norm(each[:, None] - each[None], axis=-1) for each in (points, vectors)]
    np.testing.assert_allclose(between[0], between[1], atol=1e-12)
    assert shares.sum() == pytest.approx(1) and (np.diff(shares) <= 0).all()
    points, shares = principal_components(np.full((4, 8), 3.7, np.float32))
    assert not points.any() and not shares.any()


# Views


def test_strongest_pairs_are_the_largest_of_their_head():
    pairs = random_details(SIZE, CLASSES)["pairs"]
    shown = strongest_pairs(pairs, SIZE.layers, SIZE.heads)
    rows = pairs[(pairs["class"] == "beta") & (pairs["layer"] == 2) & (pairs["head"] == 3)]
    largest = rows.sort_values("mean", ascending=False).head(PAIRS)
    assert shown["beta"][5] == largest[["query", "key", "mean"]].to_numpy().tolist()


def profiles_of(shown):
    """Profiles (m, n) as the page reads them."""
    low, high = (unpacked(shown[end], "<f4").astype(float)[:, None] for end in ("low", "high"))
    cells = unpacked(shown["cells"], "u1").reshape(len(low), -1).astype(float)
    return np.where(cells > 0, low * (high / low) ** ((cells - 1) / STEPS), np.nan)


def test_attention_received_is_the_tables(atlas):
    tokens = random_details(SIZE, CLASSES)["tokens"]
    values = profiles_of(atlas["track"]["received"]["classes"]["alpha"])
    rows = tokens[(tokens["class"] == "alpha") & (tokens["layer"] == 1) & (tokens["head"] == 2)]
    np.testing.assert_allclose(values[1], rows["received"], rtol=0.02)


def test_profiles_in_means_of_neighbours_and_without_numbers():
    given = np.array([[0.5, 0.25, 0.25, 0.125, 0.0], [np.nan] * 5, [0.5, 0.5, 0.5, np.nan, np.nan]])
    shown = profiles_of(profile_arrays(given, 2))
    # The least that is shown is 1e-5, and the extremes are exact.
    np.testing.assert_allclose(shown[0], [0.375, 0.1875, 1e-5], rtol=0.03)
    assert shown[0, 0] == pytest.approx(0.375) and shown[0, 2] == pytest.approx(1e-5)
    assert np.isnan(shown[1]).all()
    np.testing.assert_allclose(shown[2], [0.5, np.nan, np.nan])


# Single sequences


def test_a_sequence_has_the_numbers_of_its_tables(atlas):
    details = random_details(SIZE, CLASSES)
    one = atlas["examples"]["sequences"][0]
    name = one["accession"]
    assert (atlas["examples"]["bin"], len(atlas["examples"]["sequences"])) == (1, 2 * len(CLASSES))
    predictions = details["predictions"].set_index("accession")
    assert (one["class"], one["predicted"], one["runner"]) == ("alpha", "beta", "alpha")
    assert one["chances"] == pytest.approx(predictions.loc[name, ["p_beta", "p_alpha"]].tolist(), rel=1e-5)
    kmers = details["example_kmers"].set_index("accession").loc[name]
    np.testing.assert_array_equal(
        unpacked(one["attributions"]["rollout"], "<f4"), kmers["rollout"].to_numpy(np.float32)
    )
    attention = details["example_attention"]
    rows = attention[(attention["accession"] == name) & (attention["layer"] == 2) & (attention["head"] == 1)]
    for kind in ("received", "from_cls"):
        shown = profiles_of(one[kind])[SIZE.heads]
        np.testing.assert_allclose(shown, np.maximum(rows[kind], 1e-5), rtol=0.03)
    assert one["mutations"] == [
        ["N501Y", 501, ["alpha"], 0.25],
        ["del 69-70", 69, ["beta"], 1.5],
        ["D614G", 614, [], -0.125],
    ]


def test_places_of_kmers_are_there_where_bases_are_inserted(atlas):
    first, second = atlas["examples"]["sequences"][:2]
    assert first["places"] is None
    # The fifth k-mer has the bases 37 to 48 of the sequence, which are 34 to 45 of the reference.
    assert [ends[4] for ends in second["places"]] == [12, 15]


def test_single_sequences_of_bert_base_fit_the_budget():
    size, classes = Size(12, 12, 1271, 2), [*"abcdefgh"]
    details = random_details(size, classes)
    config = {"classes": classes, "dataset": {"k": 12, "stride": 9}, "atlas": {"sequences_per_class": 2}}
    shown = single_sequences(*(details[f"example_{name}"] for name in EXAMPLES), details["predictions"], config)
    # Two profiles of 144 heads and 16 sequences, four characters for three bytes, a third of the k-mers.
    assert shown["bin"] == 3
    cells = sum(len(one[kind]["cells"]) for one in shown["sequences"] for kind in ("received", "from_cls"))
    assert cells == 2 * 16 * 144 * 424 * 4 / 3 <= BUDGET


def test_without_single_sequences_there_are_none():
    assert contents(SIZE, CLASSES, without=("example_sequences",))["examples"] is None


def test_errors_come_first_then_the_least_certain(atlas):
    shown = atlas["predictions"]
    assert shown["errors"] == 1 and shown["n"] == 8
    assert (shown["columns"]["class"][0], shown["columns"]["predicted"][0]) == ("alpha", "beta")
    certain = np.max(shown["probabilities"], axis=0)[1:]
    assert (np.diff(certain) >= 0).all()


def test_probabilities_are_those_of_the_predictions(atlas):
    predictions = random_details(SIZE, CLASSES)["predictions"].set_index("accession")
    for i, accession in enumerate(atlas["predictions"]["columns"]["accession"]):
        shown = [column[i] for column in atlas["predictions"]["probabilities"]]
        assert shown == pytest.approx(predictions.loc[accession, ["p_alpha", "p_beta"]].tolist(), rel=1e-5)


def test_a_page_of_40_000_test_sequences_stays_small():
    data = contents(Size(sequences=20_000), CLASSES)
    assert (data["predictions"]["n"], len(data["predictions"]["columns"]["accession"])) == (40_000, SEQUENCES)
    assert data["space"]["n"] == 40_000 and len(data["space"]["accessions"]) <= POINTS + len(CLASSES)
    assert len(embedded(data)) < 1e6


def test_many_sequences_are_thinned_evenly():
    assert evenly(pd.Series(["a"] * 6 + ["b"] * 3), 5).tolist() == [0, 2, 4, 6, 8]
    many = random_details(Size(sequences=3000), CLASSES)["predictions"]
    shown = prediction_rows(many, CLASSES)
    assert shown["n"] == 6000 and len(shown["columns"]["accession"]) == 4000
    assert shown["columns"]["predicted"][0] != shown["columns"]["class"][0]


def test_names_of_mutations_in_the_protein():
    gene = "ATGTTTAACGGA"
    table = pd.DataFrame(
        [
            ("A1C", 1, 1, 1.0),
            ("T4A", 4, 4, 1.0),
            ("T6A", 6, 6, 1.0),
            ("C9T", 9, 9, 2 / 3),
            ("del:21565:3", 3, 5, 1.0),
            ("del:21567:3", 5, 7, 1.0),
            ("del:21568:4", 6, 9, 1.0),
            ("ins:21567:AAA", 5, 6, 1.0),
        ],
        columns=["mutation", "first", "last", "share"],
    )
    shown = mutations_by_class({"alpha": table}, gene)["alpha"]
    # Two bases of the second codon change: TTT to ATA. AAT and AAC are both asparagine.
    assert [row[1] for row in shown] == [
        "M1L",
        "F2I",
        "F2I",
        "N3 silent",
        "del 1 F2I",
        "del 2 N3Y",
        "frameshift from 2",
        "ins after 2",
    ]
    assert shown[5][2:4] == [2, 2]
    assert shown[3][4] == 0.667


# Substitutions


def scores_of(shown, one, name):
    """A score by residue and amino acid, NaN where there is none."""
    values = unpacked(one["values"], "<i2").reshape(len(shown["scores"]), len(one["residues"]), 20).astype(float)
    values[values == shown["missing"]] = np.nan
    return values[shown["scores"].index(name)] / shown["scale"]


def test_scores_of_substitutions_are_those_of_the_table(atlas):
    shown, table = atlas["substitutions"], DETAILS["substitutions"]
    assert [(one["name"], one["accession"]) for one in shown["sequences"]] == [("reference", ""), ("alpha", "genome/0")]
    for one in shown["sequences"]:
        rows = table[table["sequence"] == one["name"]].set_index(["residue", "amino_acid"])
        assert one["residues"] == list(range(1, 24, 2)) and one["own"] == "N" * 12 and one["left_out"] == 1
        for name, column in (("masked", "masked"), ("beta", "change_beta")):
            expected = rows[column].unstack()[list(shown["amino_acids"])].to_numpy()
            assert scores_of(shown, one, name) == pytest.approx(expected, abs=0.5 / shown["scale"], nan_ok=True)
        unknown = unpacked(one["unknown"], "u1").reshape(12, 20)
        assert (unknown.sum(axis=0) > 0).tolist() == [acid == "C" for acid in shown["amino_acids"]]
        assert one["defines"] == [[1, "Y", ["alpha"]]]


def test_substitutions_that_were_not_made_and_what_no_number_holds():
    scores = DETAILS["substitutions"].query("residue < 4").copy()
    scores.loc[scores["amino_acid"] == "W", "change_beta"] = -1e4
    shown = substitution_arrays(scores[scores["amino_acid"] != "Y"], DETAILS["substituted"], CLASSES)
    (one, _), acids = shown["sequences"], shown["amino_acids"]
    assert np.isnan(scores_of(shown, one, "beta")[:, acids.index("Y")]).all()
    # The least number of 16 bits is for what is missing.
    assert scores_of(shown, one, "beta")[:, acids.index("W")].tolist() == [-32.767] * 2
    assert set(unpacked(one["unknown"], "u1").reshape(2, 20)[:, acids.index("Y")]) == {shown["not_made"]}


@pytest.mark.parametrize(("budget", "names"), [(0, 1), (2 * 12 * 20 * 3 - 1, 1), (2 * 12 * 20 * 3, 2)])
def test_sequences_that_have_no_room_are_counted(budget, names):
    shown = substitution_arrays(DETAILS["substitutions"], DETAILS["substituted"], CLASSES, budget)
    assert (len(shown["sequences"]), shown["measured"]) == (names, 2)


# The page


def test_data_cannot_end_their_element():
    hostile = "</script><script>alert(1)</script><!-- & \u2028"
    text = embedded({"name": hostile})
    assert not set("<>&\u2028") & set(text)
    assert data_of(f'<script id="atlas">{text}</script>') == {"name": hostile}


def test_page_names_no_address_of_its_own(atlas):
    # The library names addresses, in comments and for maps of the world that nobody draws here.
    own = [(PARTS / f"{name}.js").read_text(encoding="utf-8") for name in PROGRAMS]
    assert not re.findall(r"https?:|//\w+\.\w+/|fetch\(|XMLHttpRequest|innerHTML|eval\(", "\n".join(own))
    html = page(atlas)
    assert "default-src 'none'" in html
    assert data_of(html)["run"] == "small"


def test_every_program_is_part_of_the_page():
    assert {path.stem for path in PARTS.glob("*.js")} == set(PROGRAMS)
