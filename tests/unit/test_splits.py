"""Splits: the shares, the groups that must not straddle, and what cannot be split."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegeometry.dataset.reading import text_digests
from spikegeometry.dataset.splits import (
    SPLITS,
    assign_splits,
    earliest_day,
    fill_splits,
    haplotype_id,
    read_haplotypes,
    split_by_date,
    split_genomes,
    split_sizes,
    write_splits,
)
from spikegeometry.errors import InputError
from spikegeometry.tables import write_tsv

SHARES = {"validation": 0.1, "test": 0.2}


def cohort(groups: dict[str, list[int]]) -> pd.DataFrame:
    """Genomes of each class in haplotypes of the given sizes."""
    rows = [
        (f"{name}{haplotype}-{genome}", name, f"{name}{haplotype}")
        for name, sizes in groups.items()
        for haplotype, size in enumerate(sizes)
        for genome in range(size)
    ]
    return pd.DataFrame(rows, columns=["accession", "class", "haplotype"])


def sizes(splits, name):
    return [int(((splits["class"] == name) & (splits["split"] == split)).sum()) for split in SPLITS]


def test_haplotype_id_is_sha256():
    assert haplotype_id("ACGT") == hashlib.sha256(b"ACGT").hexdigest()


def test_random_meets_the_shares():
    spikes = cohort({"a": [1] * 100, "b": [30], "c": [1] * 57})
    splits = assign_splits(spikes, ["a", "b", "c"], "random", **SHARES, seed=0)
    assert sizes(splits, "a") == [70, 10, 20]
    assert sizes(splits, "b") == [21, 3, 6]
    assert sizes(splits, "c") == [40, 6, 11]  # of 39.9, 5.7, 11.4


def test_haplotypes_meet_the_shares_where_singles_allow():
    spikes = cohort({"a": [40, 10, 5, 5] + [1] * 40})
    splits = assign_splits(spikes, ["a"], "haplotype", **SHARES, seed=0)
    assert sizes(splits, "a") == [70, 10, 20]
    assert (splits.groupby("haplotype")["split"].nunique() == 1).all()


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([50, 1, 1], [0, 1, 2]),  # the large one trains
        ([5, 5, 5], [0, 2, 1]),  # what fits nowhere goes where there is most room
        ([1, 1, 1], [0, 2, 1]),
        ([4, 4, 1, 1], [0, 0, 2, 1]),
    ],
)
def test_every_split_has_a_group(sizes, expected):
    assert fill_splits(sizes, [0.7, 0.1, 0.2]) == expected


def test_a_common_sequence_is_not_all_that_is_trained_on():
    """The first group fills the training split by itself; it still gets half its share of the other groups."""
    chosen = fill_splits([400] + [1] * 100, [0.7, 0.1, 0.2])
    assert chosen[0] == 0
    assert [chosen.count(split) for split in range(3)] == [35, 22, 44]


@given(st.lists(st.integers(1, 30), min_size=3, max_size=60), st.floats(0.05, 0.4), st.floats(0.05, 0.4))
def test_every_split_has_half_its_share_of_the_groups(sizes, validation, test):
    shares = [1 - validation - test, validation, test]
    groups = np.bincount(fill_splits(sorted(sizes, reverse=True), shares), minlength=3)
    assert (groups > 0).all()
    assert (groups >= np.floor(np.array(shares) / 2 * len(sizes)) - 1).all()


@given(st.integers(3, 200), st.floats(0.05, 0.4), st.floats(0.05, 0.4))
def test_fill_of_single_genomes_is_within_one(number, validation, test):
    shares = np.array([1 - validation - test, validation, test])
    filled = np.bincount(fill_splits([1] * number, shares.tolist()), minlength=3)
    if (shares * number >= 1).all():
        assert (np.abs(filled - shares * number) < 1 + 1e-6).all()


groups = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.lists(st.integers(1, 9), min_size=3, max_size=12), min_size=1
)


@settings(deadline=None)  # a busy machine is no error
@given(groups, st.sampled_from(["haplotype", "random"]), st.integers(0, 9), st.randoms(use_true_random=False))
def test_whatever_the_order(groups, method, seed, random):
    spikes = cohort(groups)
    order = list(range(len(spikes)))
    random.shuffle(order)
    classes = sorted(groups)
    splits = assign_splits(spikes, classes, method, **SHARES, seed=seed)
    shuffled = assign_splits(spikes.iloc[order], classes, method, **SHARES, seed=seed)
    assert shuffled["accession"].tolist() == spikes["accession"].iloc[order].tolist()
    assert dict(zip(splits["accession"], splits["split"], strict=True)) == dict(
        zip(shuffled["accession"], shuffled["split"], strict=True)
    )
    assert set(splits["split"]) == set(SPLITS)
    assert (splits.groupby("class")["split"].nunique() == 3).all()
    if method == "haplotype":
        assert (splits.groupby("haplotype")["split"].nunique() == 1).all()


def test_seed_matters():
    spikes = cohort({"a": [1] * 60})
    first, second, again = (assign_splits(spikes, ["a"], "haplotype", **SHARES, seed=seed) for seed in (1, 2, 1))
    assert first["split"].tolist() == again["split"].tolist() != second["split"].tolist()


def test_contradictory_labels_stay_together():
    spikes = cohort({"a": [3, 2, 2, 1, 1], "b": [2, 2, 1, 1]})
    twin = pd.DataFrame([("x", "b", "a0"), ("y", "b", "a1")], columns=spikes.columns)
    splits = assign_splits(pd.concat([spikes, twin], ignore_index=True), ["a", "b"], "haplotype", **SHARES, seed=0)
    assert (splits.groupby("haplotype")["split"].nunique() == 1).all()
    assert splits["split"].notna().all()


def test_too_few_haplotypes():
    spikes = cohort({"a": [5, 5, 5], "gh": [9, 9]})
    with pytest.raises(InputError, match=r"class gh: 18 genomes with 2 gene sequences.*split\.method.*source"):
        assign_splits(spikes, ["a", "gh"], "haplotype", **SHARES, seed=0)
    assert sizes(assign_splits(spikes, ["a", "gh"], "random", **SHARES, seed=0), "gh") == [12, 2, 4]


@pytest.mark.parametrize("method", ["haplotype", "random"])
@pytest.mark.parametrize("genomes", [0, 1, 2])
def test_too_few_genomes(method, genomes):
    spikes = cohort({"a": [1] * 9, "gh": [1] * genomes})
    with pytest.raises(InputError, match=rf"class gh: {genomes} genomes.*source.*classes"):
        assign_splits(spikes, ["a", "gh"], method, **SHARES, seed=0)


def test_all_classes_of_too_few_genomes_are_named():
    spikes = cohort({"a": [1] * 9, "gh": [1, 1], "mu": [4, 5]})
    with pytest.raises(InputError) as refused:
        assign_splits(spikes, ["a", "gh", "lambda", "mu"], "haplotype", **SHARES, seed=0)
    told = str(refused.value).splitlines()
    assert [line.split(",")[0] for line in told] == [
        "class gh: 2 genomes",
        "class lambda: 0 genomes",
        "class mu: 9 genomes with 2 gene sequences of its own",
    ]


def test_nothing_left_to_train_on():
    with pytest.raises(InputError, match=r"split\.validation 0\.5 and split\.test 0\.5"):
        assign_splits(cohort({"a": [1] * 9}), ["a"], "random", validation=0.5, test=0.5, seed=0)


def test_class_that_the_config_lacks():
    with pytest.raises(InputError, match="class nu, other, not in"):
        assign_splits(cohort({"a": [1] * 9, "other": [1], "nu": [1]}), ["a"], "random", **SHARES, seed=0)


def test_read_haplotypes(tmp_path):
    table = pd.DataFrame(
        {"accession": ["NA", "x y"], "class": ["a", "b"], "native": ["ACG", "ACG"], "projected": ["AC-G", "A-CG"]}
    )
    path = tmp_path / "spikes.parquet"
    table.to_parquet(path, index=False)
    native, projected = (read_haplotypes(path, coordinates) for coordinates in ("native", "projected"))
    assert native["accession"].nunique() == 2 and native["class"].tolist() == ["a", "b"]
    assert native["haplotype"].nunique() == 1
    assert [f"{number:016x}" for number in projected["haplotype"]] == [
        haplotype_id(sequence)[:16] for sequence in ("AC-G", "A-CG")
    ]
    write_splits(path, "projected", pd.Series(["test", "train"]), tmp_path / "splits.parquet")
    expected = table[["accession", "class"]].assign(
        haplotype=[haplotype_id("AC-G"), haplotype_id("A-CG")], split=["test", "train"]
    )
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "splits.parquet"), expected)
    table.head(0).to_parquet(tmp_path / "none.parquet", index=False)
    with pytest.raises(InputError, match="none.parquet"):
        read_haplotypes(tmp_path / "none.parquet", "native")


@pytest.mark.parametrize(("of_a", "of_b"), [(1, 2), (1, 1), (2, 1)])
def test_a_contradictory_haplotype_counts_with_the_class_of_most(of_a, of_b):
    """Both classes have two sequences of their own, one too few for three splits; the shared one helps one of them."""
    spikes = cohort({"a": [1, 1], "b": [1, 1]})
    shared = [(f"x{number}", "a" if number < of_a else "b", "shared") for number in range(of_a + of_b)]
    both = pd.concat([spikes, pd.DataFrame(shared, columns=spikes.columns)], ignore_index=True)
    # Among equals it is the first by name.
    lacking = "a" if of_b > of_a else "b"
    with pytest.raises(InputError) as refused:
        assign_splits(both, ["a", "b"], "haplotype", **SHARES, seed=0)
    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == [f"class {lacking}"]


def test_split_sizes():
    splits = cohort({"b": [2, 1, 1], "a": [1]}).assign(split=["train", "train", "validation", "test", "train"])
    table = split_sizes(splits, ["a", "b"])
    assert list(table.itertuples(index=False, name=None)) == [
        ("a", "train", 1, 1, 1.0),
        ("a", "validation", 0, 0, 0.0),
        ("a", "test", 0, 0, 0.0),
        ("b", "train", 2, 1, 0.5),
        ("b", "validation", 1, 1, 0.25),
        ("b", "test", 1, 1, 0.25),
    ]


# By date and by descent


def dated(dates: dict[str, list[str]]) -> tuple[pd.DataFrame, np.ndarray]:
    rows = [(f"{name}{place}", name, date) for name, several in dates.items() for place, date in enumerate(several)]
    table = pd.DataFrame(rows, columns=["accession", "class", "date"])
    return table.assign(haplotype=table["accession"]), table["date"].to_numpy()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2021-03-09", "2021-03-09"),
        ("2021-XX-XX", "2021-01-01"),
        ("2021-03-XX", "2021-03-01"),
        ("2021-03", "2021-03-01"),
        ("1956", "1956-01-01"),
        ("2021.35", ""),
        ("09/03/2021", ""),
        ("", ""),
    ],
)
def test_first_day_that_a_date_may_be(text, day):
    assert earliest_day(text) == day


def test_by_date_each_class_is_tested_on_its_last_genomes():
    years = {"a": [str(2010 + (7 * place) % 10) for place in range(10)], "b": ["2001", "2003", "2002", "2004-05"]}
    spikes, dates = dated(years)
    splits = split_by_date(spikes, dates, ["a", "b"], **SHARES)
    by_split = {name: rows.groupby("split", observed=True)["date"].agg(list) for name, rows in splits.groupby("class")}
    assert sorted(by_split["a"]["test"]) == ["2018", "2019"]
    assert by_split["a"]["validation"] == ["2017"]
    assert max(by_split["a"]["train"]) == "2016"
    assert by_split["b"].to_dict() == {"train": ["2001", "2002"], "validation": ["2003"], "test": ["2004-05"]}


def test_genomes_without_a_date_are_trained_on(caplog):
    spikes, dates = dated({"a": ["2001", "", "2002", "2003", "soon"]})
    splits = split_by_date(spikes, dates, ["a"], **SHARES)
    assert splits["split"].tolist() == ["train", "train", "validation", "test", "train"]
    assert "class a: 2 genomes without a date are trained on" in caplog.text


def test_too_few_dates():
    spikes, dates = dated({"a": ["2001", "2002", "", ""]})
    with pytest.raises(InputError, match="class a: 2 genomes with a date"):
        split_by_date(spikes, dates, ["a"], **SHARES)


def test_clades_never_straddle(tmp_path):
    names = [f"g{number}" for number in range(60)]
    table = pd.DataFrame({"accession": names, "class": "a", "haplotype": names})
    founders = [f"founder {number // 4}" for number in range(60)]
    write_tsv(table[["accession"]].assign(founder=founders), tmp_path / "genomes.tsv")
    spikes = table.assign(accession=text_digests(names))
    splits = split_genomes(spikes, tmp_path / "genomes.tsv", ["a"], "clade", **SHARES, seed=0)
    assert (splits.groupby(founders)["split"].nunique() == 1).all()
    assert sizes(splits, "a") == [44, 4, 12]  # of 42, 6, 12: groups have four


def test_genomes_of_no_clade(tmp_path):
    table = pd.DataFrame({"accession": ["a", "b"], "class": "a", "haplotype": ["a", "b"]})
    write_tsv(table[["accession"]].assign(founder=["x", ""]), tmp_path / "genomes.tsv")
    with pytest.raises(InputError, match="split.method: clade needs a tree; 1 genomes of"):
        split_genomes(
            table.assign(accession=text_digests(["a", "b"])), tmp_path / "genomes.tsv", ["a"], "clade", **SHARES, seed=0
        )
