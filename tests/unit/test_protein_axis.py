"""Names along the axis of a protein: which mutations are named, where, and that no two overlap."""

import numpy as np
import pandas as pd
import pytest

from checkout import ROOT
from spikegeometry.dataset.domains import domain_slots, read_domains, residue_places
from spikegeometry.figures.domains import GAP, name_axis, with_room
from spikegeometry.figures.style import new_figure
from spikegeometry.genomes.definitions import mutations_on_axis

CLASSES = ["alpha", "beta", "gamma", "delta", "omicron"]
RESIDUES, KMERS = 1273, 425


@pytest.fixture(scope="module")
def gene(tmp_path_factory):
    """A genome whose gene is as long as the reference's, with the same codons 68 to 72 and 501."""
    path = tmp_path_factory.mktemp("reference") / "genome.fasta"
    codons = ["".join(codon) for codon in np.random.default_rng(0).choice(list("ACGT"), (RESIDUES, 3))]
    codons[67:72], codons[500] = ["ATA", "CAT", "GTC", "TCT", "GGG"], "AAT"
    path.write_text(f">genome\n{'A' * 21562}{''.join(codons)}TAA\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def mutations(gene):
    table = ROOT / "resources/founders.tsv"
    return mutations_on_axis(table, gene, CLASSES, 0.5, "projected", 21563, 25384)


def test_mutations_by_name_and_residue(mutations, gene):
    named = mutations[mutations["name"] == "N501Y"]
    assert set(named["class"]) == {"alpha", "beta", "gamma", "omicron"}
    assert set(named["start"]) == set(named["end"]) == {501}
    deleted = mutations[(mutations["class"] == "alpha") & (mutations["name"] == "del 69-70")]
    assert deleted[["start", "end"]].to_numpy().tolist() == [[69, 70]]
    assert mutations_on_axis(None, gene, CLASSES, 0.5, "projected", 21563, 25384).empty
    assert list(residue_places(named)["first"])[0] == 500.5


def drawn(mutations, domains, last):
    """An axis with names, and these with what each takes of the drawing."""
    figure, axis = new_figure(10, 4)
    axis.set_xlim(0, last)
    pad = name_axis(axis, domains, mutations)
    axis.set_title("names, n = 1 axis", pad=pad)
    figure.draw_without_rendering()
    boxes = {id(text): (text.get_text(), text.get_window_extent()) for text in axis.texts}
    return axis, pad, list(boxes.values())


@pytest.mark.parametrize("scale", ["residues", "tokens"])
def test_no_two_names_overlap(mutations, scale):
    domains = read_domains(ROOT / "resources/spike_domains.tsv")
    if scale == "residues":
        placed, last = [residue_places(one) for one in (mutations, domains)], RESIDUES
    else:
        placed, last = [domain_slots(one, 9, 9) for one in (mutations, domains)], KMERS
    axis, _, boxes = drawn(*placed, last)
    names = {text for text, _ in boxes}
    assert len(names & set(mutations["name"])) >= 20 and set(domains["name"]) <= names
    over = [
        (one, other)
        for i, (one, box) in enumerate(boxes)
        for other, second in boxes[:i]
        if one in set(mutations["name"]) and box.overlaps(second)
    ]
    assert not over
    title = axis.title.get_window_extent()
    assert not [text for text, box in boxes if box.overlaps(title)]
    assert min(box.y0 for _, box in boxes) > axis.bbox.y1


def test_what_most_classes_have_is_named_first():
    close = pd.DataFrame(
        {"class": ["a", "b", "a", "a"], "name": ["N5Y", "N5Y", "K6T", "A7 silent"], "first": [5, 5, 6, 70], "last": 70}
    ).assign(last=lambda rows: rows["first"])
    nothing = pd.DataFrame(columns=["name", "first", "last"])
    assert {text for text, _ in drawn(close, nothing, 100)[2]} == {"N5Y"}
    assert {text for text, _ in drawn(close[close["class"] == "b"], nothing, 100)[2]} == {"N5Y"}
    assert drawn(close[:0], nothing, 100)[1] == GAP


def test_room_is_that_of_the_axis():
    _, axis = new_figure(10, 4)
    axis.set_title("an axis, n = 1")
    axis.set_xlim(0, 100)
    # 558 points, 5.6 of them a unit.
    width = axis.get_window_extent().width * 72 / axis.figure.dpi
    assert with_room(axis, [50, 51, 60], [width / 20] * 3) == [True, False, True]
    assert with_room(axis, [50, 51, 60], [width / 200] * 3) == [True, True, True]
