"""Tables are written whole or not at all, and read back as they were."""

import pandas as pd
import pytest

from spikegeometry.tables import atomic_path, read_tsv, write_tsv


def test_text_that_looks_missing_is_text(tmp_path):
    table = pd.DataFrame({"accession": ["NA", "null", "a b|c,d"], "class": ["", "x", "y"], "value": [1.5, None, 2.0]})
    write_tsv(table, tmp_path / "table.tsv")
    back = read_tsv(tmp_path / "table.tsv")
    assert back["accession"].tolist() == ["NA", "null", "a b|c,d"]
    assert back["class"].tolist() == ["", "x", "y"]
    assert back["value"].isna().tolist() == [False, True, False]


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "out.txt") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path):
    (tmp_path / "out.txt").write_text("old")
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "out.txt") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert (tmp_path / "out.txt").read_text() == "old"
