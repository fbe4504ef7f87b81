"""The check that all figures of the unit tests go through finds what it is for."""

import pytest

from readable import faults
from spikegeometry.figures.style import new_figure


@pytest.fixture
def figure():
    """A readable figure with a line from corner to corner."""
    figure, axis = new_figure(4, 3)
    axis.plot([0, 1], [0, 1], label="line")
    axis.set_title("a line, n = 2")
    return figure


def test_a_readable_figure_has_no_fault(figure):
    figure.axes[0].legend(loc="upper left")
    assert faults(figure) == []


@pytest.mark.parametrize("place", ["upper right", "center"])
def test_a_legend_over_a_line(figure, place):
    legend = figure.axes[0].legend(loc=place)
    assert faults(figure) == ["the legend of 'a line, n = 2' covers data"]
    legend.remove()


def test_a_legend_over_marks_and_bars():
    figure, axes = new_figure(8, 3, columns=2)
    axes[0].scatter([0, 1], [0, 1], label="marks")
    axes[1].bar([0, 1], [1, 3], label="bars")
    axes[0].set_title("n = 2")
    for axis in axes:
        axis.legend(loc="upper right")
    assert len(faults(figure)) == 2
    for axis in axes:
        axis.legend(loc="upper left")
    assert faults(figure) == []


def test_small_text_and_no_number(figure):
    text = figure.axes[0].text(0.5, 0.1, "tiny", size=6.5)
    figure.axes[0].set_title("a line")
    assert faults(figure) == ["'tiny' is of 6.5 pt", "no number in the title ''"]
    text.set_size(7)
    figure.axes[0].set_title("a line, n = 2")


def test_a_title_that_is_cut(figure):
    figure.suptitle("long " * 30)
    assert [fault.split()[-1] for fault in faults(figure)] == ["cut"]
    figure.suptitle("short")
    assert faults(figure) == []


def test_a_legend_that_is_cut(figure):
    legend = figure.axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.4))
    legend.set_in_layout(False)
    assert faults(figure) == ["the legend of 'a line, n = 2' is cut"]
    figure.axes[0].legend(loc="upper left")
    assert faults(figure) == []


@pytest.mark.parametrize("rotation", [0, 45, 90])
@pytest.mark.parametrize("along", [0, 1])
def test_names_on_each_other(figure, along, rotation):
    turned = [figure.axes[0].set_xticks, figure.axes[0].set_yticks][along]
    turned(range(20), ["A.D.1"] * 20, rotation=rotation)
    size = [4, 4]
    size[along] = 12
    figure.set_size_inches(size)
    assert faults(figure) == []
    size[along] = 2
    figure.set_size_inches(size)
    assert faults(figure) == [f"names on the {'xy'[along]} axis of 'a line, n = 2' overlap"]
    figure.axes[0].set(xticks=[], yticks=[])
