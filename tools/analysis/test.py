"""new_analysis, against answers by hand."""

import numpy as np
import pytest

from spikegeometry.errors import InputError
from spikegeometry.tables import read_tsv
from tiny_run import absent, run_script, write_small_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_small_run(tmp_path_factory.mktemp("run"))


def test_norms_are_those_of_the_hidden_states(run):
    table = read_tsv(run_script("new_analysis", run).table).set_index(["class", "layer"])["value"]
    sequences = read_tsv(run / "activations/sequences.tsv")
    (of_beta,) = sequences.loc[sequences["class"] == "beta", ["recorded", "length"]].to_numpy()
    states = np.load(run / "activations/hidden_states.npy")[of_beta[0], :, 1 : of_beta[1] - 1]
    expected = np.sqrt((states.astype(float) ** 2).sum(axis=-1)).mean(axis=-1)
    assert table["beta"].to_numpy() == pytest.approx(expected, rel=1e-5)


@absent("new_analysis", "layers", "selected_classes")
def test_what_is_not_there(run, key, value, message):
    with pytest.raises(InputError, match=message):
        run_script("new_analysis", run, **{key: value})
