"""Leakage between splits: counts on toy sets, distances against SciPy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from spikegeometry.dataset.leakage import compare, distances, leakage_table, nearest, read_spike_set
from spikegeometry.dataset.packing import SYMBOLS
from spikegeometry.dataset.reading import BATCH, text_digests
from spikegeometry.dataset.splits import assign_splits
from spikegeometry.genomes.fasta import read_fasta
from spikegeometry.tables import read_tsv


def matrix(sequences):
    return np.array([list(sequence.encode()) for sequence in sequences], dtype=np.uint8)


def test_distances_by_hand():
    hamming, conflicts = distances(matrix(["ACGT"]), matrix(["ACGT", "ACGA", "NCGA", "A-GN", "ANRA"]))
    assert hamming.tolist() == [[0, 1, 2, 2, 3]]
    # N and R say nothing of the base; a deletion is known and differs from C.
    assert conflicts.tolist() == [[0, 1, 1, 1, 1]]


def test_distances_equal_scipy():
    rng = np.random.default_rng(0)
    symbols = np.frombuffer(SYMBOLS.encode(), dtype=np.uint8)
    founder = rng.choice(symbols, 300)
    first, second = (np.where(rng.random((n, 300)) < 0.1, rng.choice(symbols, (n, 300)), founder) for n in (20, 31))
    hamming, conflicts = distances(first, second)
    assert np.array_equal(hamming, (300 * cdist(first, second, "hamming")).round())
    known = np.isin(np.stack([first] * 31, 1), list(b"ACGT-")) & np.isin(np.stack([second] * 20), list(b"ACGT-"))
    assert np.array_equal(conflicts, ((first[:, None] != second[None]) & known).sum(axis=2))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 99))
def test_nearest_whatever_the_blocks(a, b, block, seed):
    rng = np.random.default_rng(seed)
    first, second = (rng.choice(list(b"ACN"), (n, 6)).astype(np.uint8) for n in (a, b))
    hamming, conflicts = distances(first, second)
    expected = hamming.min(axis=0), conflicts.min(axis=0)
    for found, known in zip(nearest(first, second, block), expected, strict=True):
        assert np.array_equal(found, known)


def spike_set(tmp_path, rows, coordinates="projected"):
    """A set of spikes from rows of accession, class, projected."""
    table = pd.DataFrame(rows, columns=["accession", "class", "projected"])
    table["native"] = table["projected"].str.replace("-", "")
    table.to_parquet(tmp_path / "spikes.parquet", index=False)
    return read_spike_set(tmp_path / "spikes.parquet", coordinates)


def test_compare_by_hand(tmp_path):
    spikes = spike_set(
        tmp_path,
        [
            ("t1", "a", "ATGTTTGTT"),
            ("t2", "b", "ATGCCCGTT"),
            ("same", "a", "ATGTTTGTT"),
            ("synonymous", "a", "ATGTTCGTT"),
            ("masked", "a", "ATGNNNGTT"),
            ("contradictory", "b", "ATGTTTGTT"),
            ("far", "b", "GGGGGGGGG"),
        ],
    )
    assert len(spikes.sequences) == 5
    train = spikes.subset(text_digests(["t1", "t2"]))
    flags = compare(train, spikes.subset(spikes.genomes["accession"].iloc[2:]), 10, 0).drop(columns="class")
    expected = pd.DataFrame(
        {
            "identical_nucleotides": [1, 0, 0, 1, 0],
            "identical_protein": [1, 1, 0, 1, 0],
            "hamming_0": [1, 0, 0, 1, 0],
            "hamming_1": [0, 1, 0, 0, 0],
            "hamming_2": [0, 0, 0, 0, 0],
            "hamming_3_or_more": [0, 0, 1, 0, 1],
            "indistinguishable": [1, 0, 1, 1, 0],
            "contradictory_labels": [0, 0, 0, 1, 0],
        }
    )
    assert flags.astype(int).reset_index(drop=True).equals(expected)


def test_proteins_are_those_of_the_genome_not_of_its_projection(tmp_path):
    """Of equal genes, the aligner put the missing codon at one place or another, in the second out of frame."""
    spikes = spike_set(tmp_path, [("t", "a", "ATGGTT---TTT"), ("u", "a", "ATGG---TTTTT"), ("v", "a", "ATGGTTTTCTTT")])
    train, other = (spikes.subset(text_digests(names)) for names in (["t"], ["u", "v"]))
    assert compare(train, other, 9, 0)["identical_protein"].tolist() == [1, 0]


def value(table, pair, name, statistic):
    row = table[(table["pair"] == pair) & (table["class"] == name) & (table["statistic"] == statistic)]
    return int(row["value"].item()), int(row["n"].item())


def random_spike(rng):
    return "".join(rng.choice(list("ACGT"), 60))


def test_ten_duplicates_over_two_splits(tmp_path):
    rng = np.random.default_rng(0)
    ours, alone = [random_spike(rng) for _ in range(10)], [random_spike(rng) for _ in range(5)]
    train = [(f"train{i}", "a", sequence) for i, sequence in enumerate(ours)]
    test = [(f"test{i}", "a", sequence) for i, sequence in enumerate(ours + alone)]
    validation = [("validation0", "b", random_spike(rng))]
    spikes = spike_set(tmp_path, train + validation + test)
    members = {"train": train, "validation": validation, "test": test}
    splits = {split: spikes.subset(text_digests(row[0] for row in rows)) for split, rows in members.items()}
    table = leakage_table(splits, {"isolates": splits["train"]}, ["a", "b"], 100, 0)
    for statistic in ("identical_nucleotides", "identical_protein", "hamming_0", "indistinguishable"):
        assert value(table, "train-test", "a", statistic) == (10, 15)
        assert value(table, "train-test", "all", statistic) == (10, 15)
        assert value(table, "train-isolates", "a", statistic) == (10, 10)
        assert value(table, "train-validation", "b", statistic) == (0, 1)
    assert value(table, "all", "all", "contradictory_labels") == (0, 26)
    assert table["pair"].drop_duplicates().tolist() == [
        "train-validation",
        "train-test",
        "validation-test",
        "train-isolates",
        "all",
    ]


@pytest.mark.parametrize("coordinates", ["projected", "native"])
def test_haplotype_split_leaks_nothing_that_is_identical(tmp_path, coordinates):
    """Thirty sequences, three genomes each, one sequence under two classes: none straddles."""
    rng = np.random.default_rng(1)
    sequences = [random_spike(rng) for _ in range(30)]
    rows = [(f"g{copy}-{i}", "ab"[i % 2], sequence) for copy in range(3) for i, sequence in enumerate(sequences)]
    rows.append(("contradictory", "b", sequences[0]))
    spikes = spike_set(tmp_path, rows, coordinates)
    members = assign_splits(spikes.genomes, ["a", "b"], "haplotype", validation=0.2, test=0.3, seed=0)
    splits = {name: spikes.subset(part["accession"]) for name, part in members.groupby("split")}
    table = leakage_table({name: splits[name] for name in ("train", "validation", "test")}, {}, ["a", "b"], 100, 0)
    for pair in ("train-validation", "train-test", "validation-test"):
        for statistic in ("identical_nucleotides", "hamming_0", "contradictory_labels"):
            assert value(table, pair, "all", statistic)[0] == 0
    assert value(table, "all", "a", "contradictory_labels") == (3, 45)
    assert value(table, "all", "b", "contradictory_labels") == (1, 46)


def test_distances_sum_to_the_genomes(tmp_path):
    rng = np.random.default_rng(2)
    founder = random_spike(rng)
    mutants = [founder[:i] + "ACGT"[i % 4] + founder[i + 1 :] for i in range(60)]
    spikes = spike_set(tmp_path, [(f"g{i}", "a", sequence) for i, sequence in enumerate(mutants)])
    names = spikes.genomes["accession"]
    splits = {split: spikes.subset(names[i::3]) for i, split in enumerate(("train", "validation", "test"))}
    table = leakage_table(splits, {}, ["a"], 100, 0)
    counted = table[table["statistic"].str.startswith("hamming_")].groupby(["pair", "class"])
    assert (counted["value"].sum() == 20).all() and (counted["n"].first() == 20).all()


def test_distances_of_a_sample_and_identity_of_all(tmp_path):
    """Five copies of each of eight sequences, one base from the first set's: distances of three with all copies."""
    rng = np.random.default_rng(3)
    founder = random_spike(rng)
    mutants = [founder[:i] + "ACGT"["CGTA".index(founder[i])] + founder[i + 1 :] for i in range(8)]
    rows = [("t", "a", founder)] + [(f"g{i}-{copy}", "a", one) for copy in range(5) for i, one in enumerate(mutants)]
    spikes = spike_set(tmp_path, rows)
    first, second = (spikes.subset(spikes.genomes["accession"].iloc[part]) for part in (slice(1), slice(1, None)))
    flags = compare(first, second, 3, 0)
    assert flags["hamming_1"].notna().sum() == 15 and flags["hamming_1"].sum() == 15
    assert flags.groupby(second.genomes["row"])["hamming_1"].count().isin([0, 5]).all()
    assert flags["identical_nucleotides"].eq(0).all()
    assert not compare(first, second, 3, 0)["hamming_1"].equals(compare(first, second, 3, 1)["hamming_1"])


def test_sequences_are_kept_once(tmp_path):
    """A sequence that comes back in a later batch keeps its row."""
    sequences = ["AAA", "CCC"] * BATCH + ["GGG", "AAA"]
    spikes = spike_set(tmp_path, [(f"g{i}", "a", sequence) for i, sequence in enumerate(sequences)])
    assert list(spikes.sequences) == ["AAA", "CCC", "GGG"]
    assert spikes.genomes["row"].tolist() == [0, 1] * BATCH + [2, 0]


def test_random_splits_of_real_lineages_leak(tmp_path, shared_data):
    """About half of the test spikes of a random split stand in train; none of a haplotype split does.

    These genomes are as long as the reference and aligned to it, so the gene is cut out by its place.
    """
    labels = read_tsv(shared_data / "lineages" / "labels.tsv").set_index("name")["class"]
    rows = [
        (record.name, labels[record.name], record.sequence[21562:25384])
        for record in read_fasta(shared_data / "lineages" / "genomes.fasta.zst")
        if labels[record.name] in ("delta", "omicron")
    ]
    spikes = spike_set(tmp_path, rows)
    leaked = {}
    for method in ("random", "haplotype"):
        members = assign_splits(spikes.genomes, ["delta", "omicron"], method, validation=0.1, test=0.2, seed=0)
        train, test = (spikes.subset(members.loc[members["split"] == name, "accession"]) for name in ("train", "test"))
        leaked[method] = compare(train, test, 100, 0)["identical_nucleotides"].mean()
    assert 0.4 < leaked["random"] < 0.6
    assert leaked["haplotype"] == 0
