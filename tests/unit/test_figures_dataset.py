"""Figures of the data set show the numbers of their tables."""

import pandas as pd
import pytest

from spikegeometry.figures.dataset import draw_kmer_ranks, draw_leakage, draw_splits
from spikegeometry.figures.style import save


def test_kmer_ranks():
    counts = pd.DataFrame({"kmer": ["AAA", "CCC", "GGG", "TTT"], "count": [10, 3, 1, 1], "rank": [1, 2, 3, 4]})
    axes = draw_kmer_ranks(counts).axes[0]
    assert axes.lines[0].get_xydata().tolist() == [[1, 10], [1, 10], [2, 3], [2, 3], [3, 1], [4, 1]]
    assert axes.get_title(loc="left") == "4 distinct 3-mers among 15 in the training split"
    assert axes.texts[0].get_text() == "2 k-mers (50%) occur once"


def test_splits():
    sizes = pd.DataFrame(
        {
            "class": ["b"] * 3 + ["a"] * 3,
            "split": ["train", "validation", "test"] * 2,
            "genomes": [1000, 3, 5, 7, 1, 2],
            "haplotypes": [9, 2, 4, 5, 1, 1],
        }
    )
    genomes, haplotypes = draw_splits(sizes).axes
    assert [bar.get_width() for bar in genomes.patches] == [1000, 7, 3, 1, 5, 2]
    assert [text.get_text().strip() for text in genomes.texts] == ["1,000 + 3 + 5", "7 + 1 + 2"]
    assert [label.get_text() for label in genomes.get_yticklabels()] == ["b", "a"]
    assert haplotypes.get_title(loc="left") == "Distinct sequences by split (n = 22)"


@pytest.fixture
def leakage():
    statistics = {
        "identical_protein": 5,
        "hamming_0": 2,
        "hamming_1": 1,
        "hamming_2": 1,
        "hamming_3_or_more": 6,
        "indistinguishable": 4,
    }
    pairs = ["train-validation", "train-test", "validation-test", "train-set-of-others"]
    rows = [(pair, name, *item, 10) for pair in pairs for name in ("a", "all") for item in statistics.items()]
    rows.append(("all", "a", "contradictory_labels", 0, 10))
    return pd.DataFrame(rows, columns=["pair", "class", "statistic", "value", "n"])


def test_leakage(leakage, tmp_path):
    figure = draw_leakage(leakage)
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title(loc="left") for axes in shown] == [
        "validation: seen in train? (n = 10)",
        "test: seen in train? (n = 10)",
        "test: seen in validation? (n = 10)",
        "set-of-others: seen in train? (n = 10)",
    ]
    assert [bar.get_width() for bar in shown[0].patches] == pytest.approx([0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.6, 0.6])
    assert [line.get_xdata().tolist() for line in shown[0].lines] == [[0.5, 0.5], [0.4, 0.4]]
    save(figure, tmp_path / "leakage.png", tmp_path / "leakage.svg")
    assert (tmp_path / "leakage.png").stat().st_size > 1000
