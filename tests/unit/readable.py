"""What every figure must be: text that can be read, no legend over data, a title with a number."""

import re

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

SMALLEST = 7  # points
# Pixels that a legend may reach over what is beside it.
SLACK = 2
BETWEEN = np.linspace(0, 1, 25)[:, None]


def faults(figure: Figure) -> list[str]:
    """What cannot be read in a figure."""
    figure.draw_without_rendering()
    return [*_small(figure), *_covered(figure), *_untitled(figure), *_cut(figure), *_crowded(figure)]


def _small(figure: Figure) -> list[str]:
    shown = (text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip())
    return [f"{text.get_text()!r} is of {text.get_size():g} pt" for text in shown if text.get_size() < SMALLEST]


def _covered(figure: Figure) -> list[str]:
    found = []
    for axis in figure.axes:
        legend = axis.get_legend()
        if legend is None:
            continue
        box = legend.get_window_extent()
        inner = Bbox([[box.x0 + SLACK, box.y0 + SLACK], [box.x1 - SLACK, box.y1 - SLACK]])
        if any(_inside(points, inner, axis) for points in _data(axis)):
            found.append(f"the legend of {axis.get_title()!r} covers data")
        labels = [side.label.get_window_extent() for side in (axis.xaxis, axis.yaxis) if side.label.get_text()]
        if any(Bbox.intersection(inner, label) is not None for label in labels):
            found.append(f"the legend of {axis.get_title()!r} covers the name of an axis")
    return found


def _data(axis: Axes):
    """Points (n, 2) of the drawing that data lie at: along lines, at marks, over bars."""
    for line in axis.lines:
        if line.get_transform() == axis.transData and line.get_visible():
            yield from _along(line.get_xydata(), line.get_linestyle() != "None", axis)
    for artist in axis.collections:
        if isinstance(artist, LineCollection):
            for segment in artist.get_segments():
                yield from _along(segment, True, axis)
        elif isinstance(artist, PathCollection):
            yield axis.transData.transform(np.ma.getdata(artist.get_offsets()))
    for bars in axis.containers:
        for bar in bars if isinstance(bars, BarContainer) else ():
            box = bar.get_window_extent()
            places = np.linspace(0, 1, 9)
            yield np.array([(box.x0 + x * box.width, box.y0 + y * box.height) for x in places for y in places])


def _along(points: np.ndarray, joined: bool, axis: Axes):
    """Places on the way from each point to the next, or the points alone."""
    placed = axis.transData.transform(np.asarray(points, dtype=float).reshape(-1, 2))
    yield placed
    if joined:
        for one, other in zip(placed[:-1], placed[1:], strict=True):
            yield one + BETWEEN * (other - one)


def _inside(points: np.ndarray, box: Bbox, axis: Axes) -> bool:
    finite = points[np.isfinite(points).all(axis=1)]
    seen = Bbox.intersection(box, axis.bbox)
    if seen is None:
        return False
    return bool(((finite >= seen.min) & (finite <= seen.max)).all(axis=1).any())


def _untitled(figure: Figure) -> list[str]:
    titles = [figure.get_suptitle(), *(axis.get_title(loc) for axis in figure.axes for loc in ("left", "center"))]
    return [] if any(re.search(r"\d", title) for title in titles) else [f"no number in the title {titles[0]!r}"]


def _cut(figure: Figure) -> list[str]:
    """Titles and legends that the edge of the figure cuts."""
    shown = [text for text in figure.texts if text.get_text() and text.get_text() == figure.get_suptitle()]
    named = [(text, f"the title {figure.get_suptitle()!r} is cut") for text in shown]
    named += [(legend, "a legend of the figure is cut") for legend in figure.legends]
    drawn = ((axis, axis.get_legend()) for axis in figure.axes)
    named += [(legend, f"the legend of {axis.get_title()!r} is cut") for axis, legend in drawn if legend]
    return [fault for artist, fault in named if not _inside_of(figure, artist.get_window_extent())]


def _inside_of(figure: Figure, box: Bbox) -> bool:
    whole = figure.bbox.padded(SLACK)
    return whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1


def _crowded(figure: Figure) -> list[str]:
    """Neighbours among the labels of ticks of which one lies on the other."""
    found = []
    for axis in figure.axes:
        for side, along in ((axis.xaxis, 0), (axis.yaxis, 1)):
            low, high = sorted(side.get_view_interval())
            labels = [label for label in side.get_ticklabels() if label.get_visible() and label.get_text().strip()]
            labels = [label for label in labels if low <= label.get_position()[along] <= high]
            labels.sort(key=lambda label: label.get_position()[along])
            pairs = zip(labels[:-1], labels[1:], strict=True)
            if any(_overlap(one, other, along) for one, other in pairs):
                found.append(f"names on the {'xy'[along]} axis of {axis.get_title()!r} overlap")
    return found


def _overlap(one: Text, other: Text, along: int) -> bool:
    """Whether two labels of one axis overlap: those that are turned, by the distance of their lines."""
    boxes = [label.get_window_extent() for label in (one, other)]
    if one.get_rotation() % 90 == 0:
        common = Bbox.intersection(*boxes)
        return common is not None and min(common.width, common.height) > SLACK
    places = [label.get_transform().transform(label.get_position())[along] for label in (one, other)]
    turn = np.radians(one.get_rotation() + 90 * along)
    height = one.get_size() * one.figure.dpi / 72
    return abs(places[1] - places[0]) * abs(np.sin(turn)) < height - SLACK
