"""Background genomes: their splits, and those that have a sequence of a class."""

import pandas as pd
import pytest

from spikegeometry.dataset.background import split_background
from spikegeometry.dataset.reading import split_members
from spikegeometry.dataset.splits import haplotype_id, write_splits
from spikegeometry.errors import InputError

SHARES = ("haplotype", 0.1, 0.2, 3)


def write_spikes(path, sequences):
    names = [f"b{row}" for row in range(len(sequences))]
    pd.DataFrame({"accession": names, "class": "other", "projected": sequences}).to_parquet(path)
    return names


@pytest.fixture
def class_splits(tmp_path):
    """Splits of the classes: alpha's only sequence is in test."""
    path = tmp_path / "splits.parquet"
    sequences = ["ACGT", "TTTT"]
    haplotypes = [haplotype_id(sequence) for sequence in sequences]
    table = {"accession": ["x", "y"], "class": ["alpha", "beta"], "haplotype": haplotypes, "split": ["test", "train"]}
    pd.DataFrame(table).to_parquet(path)
    return path


def test_a_sequence_of_a_class_is_rejected(tmp_path, class_splits):
    sequences = ["ACGT", *(f"{'A' * n}C" for n in range(20)), "TTTT"]
    names = write_spikes(tmp_path / "spikes.parquet", sequences)
    splits, rejected = split_background(tmp_path / "spikes.parquet", class_splits, "projected", *SHARES)
    assert rejected["accession"].tolist() == ["b0", "b21"]
    assert rejected["detail"].tolist() == [
        "Its gene sequence is also that of genomes of class alpha.",
        "Its gene sequence is also that of genomes of class beta.",
    ]
    assert (splits == "rejected").tolist() == [True, *[False] * 20, True]
    # What a class would have in test is in validation: 10% and 20% of twenty.
    assert splits.value_counts().to_dict() == {"train": 14, "validation": 6, "rejected": 2}
    write_splits(tmp_path / "spikes.parquet", "projected", splits, tmp_path / "background.parquet")
    members = [list(split_members(tmp_path / "background.parquet", name)) for name in ("train", "validation")]
    assert sorted(sum(members, [])) == sorted(names[1:-1])


def test_copies_stay_together(tmp_path, class_splits):
    write_spikes(tmp_path / "spikes.parquet", [f"{'A' * (n % 7)}C" for n in range(70)])
    splits, rejected = split_background(tmp_path / "spikes.parquet", class_splits, "projected", *SHARES)
    assert splits.groupby([n % 7 for n in range(70)]).nunique().eq(1).all() and rejected.empty


def test_too_few_sequences_of_its_own(tmp_path, class_splits):
    write_spikes(tmp_path / "spikes.parquet", ["ACGT", "TTTT", "AAAA", "CCCC"])
    with pytest.raises(InputError, match="class other: 2 genomes"):
        split_background(tmp_path / "spikes.parquet", class_splits, "projected", *SHARES)
