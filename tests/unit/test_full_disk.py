"""A full disk: what could not be written is named, nothing half is left, and with room the same call ends well."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from checkout import ROOT
from small_disk import KILOBYTE, MEGABYTE, MountedDisk, small_disk
from small_training import run
from spikegeometry.dataset.encoding import Encoder, encode_split
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS
from spikegeometry.errors import InputError, writing
from spikegeometry.genomes.fasta import fasta_writer
from spikegeometry.model.assembly import gather_attention, gather_vectors
from spikegeometry.model.data import EncodedRows
from spikegeometry.model.folders import save_model
from spikegeometry.model.recording import record, select
from spikegeometry.spikes.projection import Spike
from spikegeometry.spikes.storage import spike_writer
from spikegeometry.tables import create_array, join_parquet, write_parquet, write_tsv
from tiny_bert import CLASSES, classifier, split_table

RANDOM = np.random.default_rng(0)
SEQUENCES = ["".join(row) for row in RANDOM.choice(list("ACGT"), (400, 3000))]
NUMBERS = RANDOM.random((4000, 20))
TABLE = pd.DataFrame(NUMBERS, columns=map(str, range(20)))


@pytest.fixture
def disk(tmp_path):
    """A small disk, and beside it what some writers read."""
    spikes = {"accession": [str(row) for row in range(len(SEQUENCES))], "class": "alpha", "projected": SEQUENCES}
    pd.DataFrame(spikes).to_parquet(tmp_path / "spikes.parquet")
    TABLE.to_parquet(tmp_path / "part.parquet")
    disk = small_disk(tmp_path / "disk")
    yield disk
    disk.remove()


def extract(folder):
    """As the extraction of a shard does."""
    with spike_writer(folder / "0.parquet") as write:
        for number, sequence in enumerate(SEQUENCES):
            write(f"genome {number}", "alpha", Spike(sequence, sequence, "", "", 0.0, 1.0))


def encode(folder):
    encoder = Encoder([*SPECIAL_TOKENS, "ACGT", "CGTA"], 4)
    encode_split(folder.with_name("spikes.parquet"), None, "projected", encoder, ["alpha"], folder / "train.arrow")


def predict(folder):
    write_parquet(TABLE, folder / "0.parquet")


def join(folder):
    join_parquet([folder.with_name("part.parquet")] * 2, folder / "test.parquet")


def tabulate(folder):
    write_tsv(TABLE, folder / "table.tsv")


def write_genomes(folder):
    with fasta_writer(folder / "genomes.fasta.zst") as write:
        for number, sequence in enumerate(SEQUENCES):
            write(str(number), sequence)


def save(folder):
    save_model(classifier(), folder / "model")


def map_array(folder):
    create_array(folder / "array.npy", NUMBERS.shape)[:] = NUMBERS


WRITERS = {
    extract: "0.parquet",
    encode: "train.arrow",
    predict: "0.parquet",
    join: "test.parquet",
    tabulate: "table.tsv",
    write_genomes: "genomes.fasta.zst",
    map_array: "array.npy",
}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "ballast"}


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_a_file_is_whole_or_not_there(disk, tmp_path, write):
    disk.fill(60 * KILOBYTE)
    with pytest.raises(InputError, match=r"^The disk is full: .* could not be written \(.*\)") as caught:
        write(disk.folder)
    assert str(disk.folder / WRITERS[write]) in str(caught.value)
    assert "start again with the same command" in str(caught.value)
    disk.clear()
    assert set(contents(disk.folder)) <= ({"array.npy"} if write is map_array else set())
    write(disk.folder)
    (tmp_path / "roomy").mkdir()
    write(tmp_path / "roomy")
    assert contents(disk.folder) == contents(tmp_path / "roomy")


def test_an_array_says_how_much_it_needs(disk):
    disk.fill(60 * KILOBYTE)
    with pytest.raises(InputError, match=r"array.npy .* It takes 320 kB\. There are \d+(\.\d+)? "):
        map_array(disk.folder)


def recording(folder):
    """Record and gather, as the two rules do; Snakemake removes what a failed rule has left."""
    table, model = split_table(9, lengths=(40, 60)), classifier("eager")
    predictions = table.select(["accession", "class"]).to_pandas().assign(predicted="red", correct=False)
    rows = EncodedRows(table)
    distinct = np.arange(len(rows))
    sequences = select(predictions, rows.lengths, distinct, CLASSES, 3, correct_only=False, seed=0, most=99)
    try:
        record(model, rows, sequences, rows.lengths.max(), 4, folder / "shard")
        gather_vectors([folder / "shard"], sequences, folder / "cls.npy", folder / "hidden_states.npy")
        gather_attention([folder / "shard"], sequences, folder / "attention_mean.npz")
    finally:
        shutil.rmtree(folder / "shard")


@pytest.mark.parametrize(
    ("room", "name"),
    [(0, "shard"), (60, "hidden_states.npy"), (200, "attention/"), (350, "disk/hidden_states.npy"), (480, ".npz")],
)
def test_activations_are_recorded_whole_or_not_at_all(disk, tmp_path, room, name):
    disk.fill(room * KILOBYTE)
    name = name if isinstance(disk, MountedDisk) else "shard"  # a limit to single files stops the first of them
    with pytest.raises(InputError, match=f"The disk is full: .*{name}.* could not be written"):
        recording(disk.folder)
    disk.clear()
    recording(disk.folder)
    (tmp_path / "roomy").mkdir()
    recording(tmp_path / "roomy")
    assert contents(disk.folder) == contents(tmp_path / "roomy")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "start"
    classifier().save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("room", "snapshots"), [(0, 0), (30, 0), (60, 0), (90, 0), (0, 2)])
def test_training_goes_on_from_its_last_whole_checkpoint(disk, tmp_path, start, room, snapshots):
    """The disk fills in the weights, in the optimiser's state, in a later checkpoint, or in a snapshot."""
    disk.fill(room * KILOBYTE)
    with pytest.raises(InputError, match=r"The disk is full: .*checkpoints.* could not be written"):
        run(start, disk.folder / "checkpoints", 600.0, snapshots=snapshots)
    disk.clear()
    model, history = run(start, disk.folder / "checkpoints", 600.0, snapshots=snapshots)
    expected, expected_history = run(start, tmp_path / "checkpoints", 600.0, snapshots=snapshots)
    kept, expected_kept = ([*(place / "checkpoints").glob("snapshots/*/*")] for place in (disk.folder, tmp_path))
    assert [path.read_bytes() for path in sorted(kept)] == [path.read_bytes() for path in sorted(expected_kept)]
    for name, weight in expected.state_dict().items():
        assert weight.equal(model.state_dict()[name]), name
    pd.testing.assert_frame_equal(history, expected_history)


def test_a_model_that_finds_no_room_is_named(disk):
    disk.fill(5 * KILOBYTE)
    with pytest.raises(InputError, match=r"The disk is full: .*disk/model could not be written"):
        save(disk.folder)


def test_what_no_writer_catches_is_told_where_scripts_end(disk, tmp_path):
    """The log is on the full disk too: stderr has the message, without a traceback."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from spikegeometry.logs import configure_logging\n"
        f"configure_logging({str(disk.folder / 'log.txt')!r})\n"
        f"with open({str(disk.folder / 'file')!r}, 'wb') as file:\n"
        f"    file.write(bytes({MEGABYTE}))\n",
        encoding="utf-8",
    )
    disk.fill(0)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow/scripts")}
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 1
    assert "The disk is full" in result.stderr and "Traceback" not in result.stderr


def test_other_errors_stay_as_they_are(tmp_path):
    with pytest.raises(PermissionError), writing(tmp_path):
        raise PermissionError(13, "Permission denied")
