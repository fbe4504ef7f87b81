"""Tables are written whole or not at all, and read back as they were."""

import csv
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from checkout import SCRIPTS
from spikegeometry.tables import (
    atomic_path,
    create_array,
    join_parquet,
    read_tsv,
    row_writer,
    write_batches,
    write_parquet,
    write_tsv,
    write_tsv_parts,
)


def test_text_that_looks_missing_is_text(tmp_path):
    table = pd.DataFrame({"accession": ["NA", "null", "a b|c,d"], "class": ["", "x", "y"], "value": [1.5, None, 2.0]})
    write_tsv(table, tmp_path / "table.tsv")
    back = read_tsv(tmp_path / "table.tsv")
    assert back["accession"].tolist() == ["NA", "null", "a b|c,d"]
    assert back["class"].tolist() == ["", "x", "y"]
    assert back["value"].isna().tolist() == [False, True, False]


HOSTILE = [
    "a\rb",
    "a\nb",
    "a\r\nb",
    "\r",
    'a"b',
    '"',
    "a\tb",
    " a ",
    "a\u2028b",
    "a\x0bb",
    "a\x1cb",
    "a\x85b",
    "a,b;c",
    "'",
]


def test_any_text_is_read_back_as_it_was(tmp_path):
    table = pd.DataFrame({"name": HOSTILE, "value": range(len(HOSTILE))})
    write_tsv(table, tmp_path / "frame.tsv")
    with row_writer(tmp_path / "rows.tsv", table.columns) as rows:
        rows.writerows(table.itertuples(index=False))
    for name in ("frame.tsv", "rows.tsv"):
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            assert [row["name"] for row in csv.DictReader(file, delimiter="\t", strict=True)] == HOSTILE
        assert pd.read_csv(tmp_path / name, sep="\t", dtype=str)["name"].tolist() == HOSTILE
        assert read_tsv(tmp_path / name)["name"].tolist() == HOSTILE
        assert (tmp_path / name).read_bytes().startswith(b'name\tvalue\n"a\rb"\t0\n')
    assert (tmp_path / "rows.tsv").read_bytes() == (tmp_path / "frame.tsv").read_bytes()


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "out.txt") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


DIES = """
import os, signal, sys
from spikegeometry.tables import atomic_path

with atomic_path(sys.argv[1]) as partial:
    partial.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_write_leaves_no_file_and_the_next_one_nothing_else(tmp_path):
    target = tmp_path / "out[1].txt"
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    killed = subprocess.run([sys.executable, "-c", DIES, str(target)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not target.exists()
    with atomic_path(target) as partial:
        partial.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_text() == "whole"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    (tmp_path / "out.txt").write_text("old")
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "out.txt") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert (tmp_path / "out.txt").read_text() == "old"


def test_joined_parts_are_one_table(tmp_path):
    """Also where a part has no rows, and so no type for its texts."""
    whole = pd.DataFrame({"name": ["a", "b", "c"], "value": np.float32([1, 2, 3])})
    parts = [whole.iloc[:2], whole.iloc[:0].astype({"name": object}), whole.iloc[2:]]
    for number, part in enumerate(parts):
        write_parquet(part, tmp_path / f"{number}.parquet")
    join_parquet([tmp_path / f"{number}.parquet" for number in range(3)], tmp_path / "whole.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "whole.parquet"), whole)


def test_batches_are_written_in_groups_of_many_rows(tmp_path):
    table = pa.table({"a": range(2000), "b": ["x"] * 2000})
    write_batches(table.to_batches(150), table.schema, tmp_path / "x.parquet")
    file = pq.ParquetFile(tmp_path / "x.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [1050, 950]
    assert file.read().equals(table)
    write_batches([], table.schema, tmp_path / "none.parquet")
    assert pq.read_table(tmp_path / "none.parquet").equals(table.slice(0, 0))


def test_a_table_in_parts_is_as_one(tmp_path):
    table = pd.DataFrame({"a": ["x", "y", "z"], "b": [0.1234567, np.nan, 3]})
    write_tsv(table, tmp_path / "whole.tsv")
    write_tsv_parts((table.iloc[row : row + 2] for row in (0, 2)), tmp_path / "parts.tsv")
    assert (tmp_path / "parts.tsv").read_bytes() == (tmp_path / "whole.tsv").read_bytes()


def test_some_columns_of_a_table(tmp_path):
    write_tsv(pd.DataFrame({"a": [1], "b": ["x"], "c": [2.5]}), tmp_path / "x.tsv")
    assert read_tsv(tmp_path / "x.tsv", ["a", "c"]).to_dict("list") == {"a": [1], "c": [2.5]}


def test_an_array_is_made_of_zeros_and_written_through(tmp_path):
    array = create_array(tmp_path / "x.npy", (3, 2))
    assert array.dtype == np.float32 and not array.any()
    array[1] = 5
    array.flush()
    assert np.load(tmp_path / "x.npy").tolist() == [[0, 0], [5, 5], [0, 0]]


def test_names_that_look_like_numbers_stay_names(tmp_path):
    names = ["000001", "NA", "None", "true", "1e5", "-", "007", "1/2", "nan", "inf"]
    table = pd.DataFrame({"accession": names, "class": names, "value": 0.5})
    write_tsv(table, tmp_path / "names.tsv")
    read = read_tsv(tmp_path / "names.tsv")
    assert read["accession"].tolist() == names and read["class"].tolist() == names
    assert read["value"].tolist() == [0.5] * len(names)
    write_tsv(table.assign(accession="000001"), tmp_path / "numbers.tsv")
    assert set(read_tsv(tmp_path / "numbers.tsv")["accession"]) == {"000001"}
