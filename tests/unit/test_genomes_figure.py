"""The figure of a cohort shows the numbers of its tables."""

import matplotlib.pyplot as plt
import pandas as pd

from spikegeometry.figures.genomes import draw_cohort


def test_bars_boxes_and_title():
    accepted = pd.DataFrame({"class": ["beta"] * 3, "length": [10, 20, 30], "n_fraction": [0, 0.1, 0.5]})
    counts = pd.DataFrame(
        [("beta", "accepted", 3), ("beta", "empty", 2), ("", "unlabelled", 4), ("mu", "missing_sequence", 5)],
        columns=["class", "outcome", "n"],
    )
    figure = draw_cohort(accepted, counts, ["alpha", "beta"], "source")
    outcomes, lengths, gaps = figure.axes
    assert [label.get_text() for label in outcomes.get_yticklabels()] == ["alpha", "beta", "(no class)", "mu"]
    widths = {bars.get_label(): [bar.get_width() for bar in bars] for bars in outcomes.containers}
    assert widths == {
        "accepted": [0, 3, 0, 0],
        "empty": [0, 2, 0, 0],
        "unlabelled": [0, 0, 4, 0],
        "missing sequence": [0, 0, 0, 5],
    }
    assert "3 of 9 records accepted" in figure.get_suptitle()
    assert len(lengths.patches) == len(gaps.patches) == 1
    plt.close(figure)
