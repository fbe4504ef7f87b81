"""Activation distributions: tests of normality against scipy and by hand, outliers, histograms, and the script."""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy import stats
from transformers import BertForSequenceClassification

from spikegeometry.errors import InputError
from spikegeometry.figures.activation_distributions import draw_activation_distributions
from spikegeometry.geometry.activation_distributions import (
    UNITS,
    adjusted,
    anderson_darling_p,
    bin_counts,
    group_means,
    normality,
    token_summary,
    unit_means,
)
from tiny_run import (
    CLASSES,
    HEADS,
    LAYERS,
    absent,
    random_bert,
    read_table,
    run_script,
    small_sequences,
    write_run,
)


def samples(rows, columns, seed=0):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("columns", [20, 97, 768])
def test_against_scipy(columns):
    vectors = samples(12, columns)
    vectors[3] = vectors[3].exp()
    vectors[4] = vectors[4] ** 3
    vectors[5] = torch.linspace(0, 1, columns)
    shape = normality(7 * vectors - 3, limit=100)["all"]
    values = vectors.numpy()
    assert shape.skewness.numpy() == pytest.approx(stats.skew(values, axis=1), abs=1e-9)
    assert shape.kurtosis.numpy() == pytest.approx(stats.kurtosis(values, axis=1), abs=1e-9)
    expected = stats.normaltest(values, axis=1)
    assert shape.dagostino_pearson.numpy() == pytest.approx(expected.statistic, abs=1e-6)
    assert shape.dagostino_pearson_p.numpy() == pytest.approx(expected.pvalue, abs=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        statistics = [stats.anderson(row, "norm").statistic for row in values]
    assert shape.anderson_darling.numpy() == pytest.approx(statistics, abs=1e-6)


def test_without_outliers_is_as_if_they_were_not_there():
    vectors = samples(5, 300)
    vectors[1, 7], vectors[3, 2], vectors[3, 250] = 40, -30, 25
    shapes = normality(vectors, limit=5)
    assert shapes["all"].outliers.tolist() == [0, 1, 0, 2, 0]
    assert shapes["without_outliers"].n.tolist() == [300, 299, 300, 298, 300]
    for row, left_out in ((0, []), (1, [7]), (3, [2, 250])):
        alone = normality(torch.from_numpy(np.delete(vectors[row].numpy(), left_out))[None], limit=100)["all"]
        for name, value in vars(alone).items():
            if name != "outliers":
                assert getattr(shapes["without_outliers"], name)[row].item() == pytest.approx(value.item(), abs=1e-9)


def test_one_coordinate_decides_the_kurtosis():
    vector = samples(1, 768)
    vector[0, 5] = 20
    shapes = normality(vector, limit=5)
    assert shapes["all"].kurtosis.item() > 50
    assert shapes["all"].anderson_darling_p.item() < 1e-3
    assert abs(shapes["without_outliers"].kurtosis.item()) < 0.5
    assert shapes["without_outliers"].anderson_darling_p.item() > 0.05


def test_normal_and_uniform_vectors():
    generator = np.random.default_rng(0)
    for values, rejected in ((generator.normal(size=(426, 768)), False), (generator.uniform(size=(426, 768)), True)):
        vectors = torch.from_numpy(values)
        shape = normality(vectors, limit=5)["all"]
        summary = token_summary(shape, alpha=0.05)
        for test in ("dagostino_pearson", "anderson_darling"):
            below, corrected = summary[f"{test}_below"].mean(), summary[f"{test}_rejected"].mean()
            if rejected:
                assert corrected > 0.99
                assert shape.kurtosis.mean().item() == pytest.approx(-1.2, abs=0.01)
            else:
                assert 0.02 <= below <= 0.08
                assert corrected == 0
                chance = summary["abs_skewness_chance"].mean().item()
                assert summary["abs_skewness"].mean().item() == pytest.approx(chance, rel=0.05)


def test_skewness_by_chance_of_few_coordinates():
    """The correction for few coordinates matters: normal samples of eight, simulated."""
    vectors = torch.from_numpy(np.random.default_rng(1).normal(size=(20000, 8)))
    summary = token_summary(normality(vectors, limit=5)["all"], alpha=0.05)
    found = summary["abs_skewness"].mean().item()
    assert summary["abs_skewness_chance"].mean().item() == pytest.approx(found, rel=0.05)


def test_p_values_of_anderson_and_darling():
    # Critical values of table 4.7 of D'Agostino and Stephens, for the adjusted statistic.
    critical = torch.tensor([0.470, 0.561, 0.631, 0.752, 0.873, 1.035], dtype=torch.float64)
    p = anderson_darling_p(critical, torch.tensor(1e9))
    assert p.tolist() == pytest.approx([0.25, 0.15, 0.10, 0.05, 0.025, 0.01], rel=0.03)
    grid = anderson_darling_p(torch.linspace(0.01, 900, 200_000, dtype=torch.float64), torch.tensor(1e9))
    # The pieces of the approximation meet within 0.002; far out it must not turn upwards.
    assert grid.diff().max() < 2e-3
    assert (grid >= 0).all() and (grid <= 1).all() and grid[-1] < 1e-100


def test_adjusted_p_values():
    assert adjusted(torch.tensor([0.01, 0.02, 0.03, 0.04])).tolist() == pytest.approx([0.04] * 4)
    expected = [0.004, 2 / 3, 0.04, 0.9]
    assert adjusted(torch.tensor([0.001, 0.5, 0.02, 0.9])).tolist() == pytest.approx(expected)
    with_missing = adjusted(torch.tensor([0.001, torch.nan, 0.5, 0.02, 0.9]))
    assert with_missing[[0, 2, 3, 4]].tolist() == pytest.approx(expected)
    assert with_missing[1].isnan()
    assert adjusted(torch.tensor([torch.nan])).isnan().all()


def test_vectors_without_shape():
    vectors = samples(4, 64)
    vectors[1], vectors[2] = 0, 0.1
    shapes = normality(vectors.float(), limit=5)
    for shape in shapes.values():
        assert shape.skewness.isnan().tolist() == [False, True, True, False]
        assert shape.anderson_darling_p.isnan().tolist() == [False, True, True, False]
    means = group_means(token_summary(shapes["all"], 0.05), 4)
    assert means["k-mers"]["constant"] == 1
    assert np.isnan(means["k-mers"]["kurtosis"])
    assert means["[CLS]"]["kurtosis"] == shapes["all"].kurtosis[0]
    assert means["[SEP]"]["kurtosis"] == shapes["all"].kurtosis[3]


def test_too_few_coordinates_for_a_test():
    shape = normality(samples(3, 12), limit=5)["all"]
    assert shape.dagostino_pearson_p.isnan().all() and shape.anderson_darling_p.isnan().all()
    assert not shape.kurtosis.isnan().any()


def test_bin_counts():
    bins, counts = bin_counts(torch.tensor([[-0.3, 0.0], [0.24, 0.26]]), 0.25)
    assert bins.tolist() == [-2, -1, 0, 1]
    assert counts.tolist() == [1, 0, 2, 1]


# The script

PARAMS = {"alpha": 0.05, "outlier": 5, "bin_width": 0.1, "site_sequences": 1}


@pytest.fixture
def run(tmp_path):
    write_run(tmp_path, random_bert(LAYERS, HEADS, width=32, classes=3), small_sequences())
    return tmp_path


def measure(folder, **params):
    """Tables of classes, of sequences, of values and of column sums."""
    outputs = {"histogram": "histogram.parquet", "columns": "columns.parquet"}
    output = run_script("activation_distributions", folder, outputs, **PARAMS, **params)
    return tuple(map(read_table, (output.table, output.sequences, output.histogram, output.columns)))


def test_script(run):
    table, sequences, histogram, columns = measure(run)
    # Three layers, three groups of tokens, two variants.
    assert len(sequences[(sequences["site"] == "output") & (sequences["unit"] == "token")]) == 4 * 3 * 3 * 2
    hidden = np.load(run / "activations/hidden_states.npy").astype(float)
    row = sequences[
        (sequences["sequence"] == "alpha/1")
        & (sequences["layer"] == 2)
        & (sequences["token"] == "k-mers")
        & (sequences["variant"] == "all")
        & (sequences["unit"] == "token")
        & (sequences["site"] == "output")
    ].iloc[0]
    assert row["kurtosis"] == pytest.approx(stats.kurtosis(hidden[1, 2, 1:10], axis=1).mean(), abs=1e-6)
    place = (table["layer"] == 2) & (table["token"] == "[CLS]") & (table["variant"] == "all")
    place &= (table["site"] == "output") & (table["unit"] == "token")
    rows = table[place & (table["statistic"] == "skewness")].set_index("class")
    # The twins count once.
    skewness = stats.skew(hidden[:, 2, 0], axis=1)
    assert rows["value"].to_dict() == pytest.approx(
        {"alpha": skewness[:2].mean(), "beta": skewness[3], "all": skewness[[0, 1, 3]].mean()}, abs=1e-5
    )
    assert rows["n"].to_dict() == {"alpha": 2, "beta": 1, "all": 3}
    assert rows.loc["beta", ["low", "high"]].isna().all()

    mine = columns[(columns["class"] == "alpha") & (columns["layer"] == 1)].sort_values("coordinate")
    assert mine["value"].to_numpy() == pytest.approx(hidden[:2, 1].sum(axis=(0, 1)) / 2, abs=1e-6)
    counted = histogram[histogram["layer"] == 2].groupby("class")["value"].sum()
    assert counted.to_dict() == pytest.approx({"alpha": 32 * 25 / 2, "beta": 32 * 12, "all": 32 * 37 / 3})
    assert (histogram["low"] == histogram["bin"] * 0.1).all()

    figure = draw_activation_distributions(table, histogram, columns, CLASSES, CLASSES, 0.05, 5)
    assert figure.get_suptitle().endswith("n = 3 distinct sequences; no sequence of gamma")


def test_sites_and_units(run):
    """Against the model's own attention: alpha/0, its twin and beta/3 are measured at every site."""
    table, sequences, _, _ = measure(run)
    detailed = sequences[sequences["unit"] == "coordinate"]
    assert set(detailed["sequence"]) == {"alpha/0", "alpha/2", "beta/3"}
    assert set(detailed["token"]) == {"k-mers"}
    assert detailed.groupby("site")["layer"].agg(set).to_dict() == {
        "output": {0, 1, 2},
        "attention_output": {1, 2},
        "head": {1, 2},
    }
    model = BertForSequenceClassification.from_pretrained(run / "model", attn_implementation="eager").eval()
    kept = {}
    own = model.bert.encoder.layer[1].attention
    own.self.register_forward_hook(lambda _, __, result: kept.update(head=result[0][0]))
    own.output.register_forward_hook(lambda _, __, result: kept.update(attention_output=result[0]))
    with torch.inference_mode():
        model(torch.from_numpy(np.load(run / "activations/tokens.npy")[:1, :14]).long())
    heads = kept["head"].unflatten(1, (4, 8))  # 14 tokens, 4 heads of width 8
    place = {"class": "alpha", "layer": 2, "variant": "all", "statistic": "kurtosis", "token": "k-mers"}
    rows = table[(table[list(place)] == list(place.values())).all(axis=1)].set_index(["site", "unit"])["value"]
    expected = {
        ("attention_output", "token"): stats.kurtosis(kept["attention_output"][1:-1], axis=1),
        ("attention_output", "coordinate"): stats.kurtosis(kept["attention_output"][1:-1], axis=0),
        ("head", "token"): stats.kurtosis(heads[1:-1], axis=2),
        ("head", "coordinate"): stats.kurtosis(heads[1:-1], axis=0),
    }
    for place, values in expected.items():
        assert rows[place] == pytest.approx(values.mean(), abs=1e-4)


def test_one_coordinate_over_the_tokens():
    """Normal over the k-mers in each coordinate, whatever its spread; the coordinates of a token then are not."""
    vectors = samples(300, 60) * torch.logspace(-2, 2, 60)
    vectors[0] = 1e6
    found = {unit: dict_of(unit_means(vectors, unit, 5, 0.05)) for unit in UNITS}
    assert found["coordinate"].keys() == {("k-mers", "all"), ("k-mers", "without_outliers")}
    assert abs(found["coordinate"]["k-mers", "all"]["kurtosis"]) < 0.15
    assert found["coordinate"]["k-mers", "all"]["anderson_darling_rejected"] < 0.1
    assert found["token"]["k-mers", "all"]["kurtosis"] > 5
    assert found["token"]["[CLS]", "all"]["constant"] == 1


def dict_of(rows):
    return {(token, variant): means for token, variant, means in rows}


def test_selection(run):
    _, sequences, _, _ = measure(run, layers=[2], selected_classes=["beta"])
    assert set(sequences["layer"]) == {0, 2}
    assert set(sequences["class"]) == {"beta"}


@absent("activation_distributions", "layers", "selected_classes")
def test_what_does_not_exist_is_named(run, key, value, message):
    with pytest.raises(InputError, match=message):
        measure(run, **{key: value})


def test_value_that_is_not_finite(run):
    path = run / "activations/hidden_states.npy"
    hidden = np.load(path)
    hidden[1, 2, 3, 4] = np.nan
    np.save(path, hidden)
    with pytest.raises(InputError, match="The output of layer 2 is not finite for alpha/1"):
        measure(run)


def test_p_values_of_small_statistics():
    """Stephens's formulas by hand, each in its range; with many coordinates the correction for their number is gone."""
    many = torch.full((4,), 1e12, dtype=torch.double)
    found = anderson_darling_p(torch.tensor([0.1, 0.3, 0.5, 1.0], dtype=torch.double), many)
    expected = [1 - math.exp(-5.5593), 1 - math.exp(-0.87362), math.exp(-1.5668), math.exp(-4.3967)]
    assert found.tolist() == pytest.approx(expected, abs=1e-6)
