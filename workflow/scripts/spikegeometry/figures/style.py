"""The look that every figure shares."""

import io
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation
from PIL import Image

from spikegeometry.tables import atomic_path

SEQUENTIAL = "cividis"
DIVERGING = "RdBu_r"
DOTS_PER_INCH = 160
# Of a PNG: a third of the bytes of all colours, and no difference to the eye.
COLOURS = 256
# Told apart under the three kinds of dichromacy (`tests/unit/test_style.py` says how far), and dark enough for white.
INDIGO, CYAN, RED, LIME, GREEN = "#431790", "#0B9FB7", "#AC3E55", "#6AA018", "#004000"
VIOLET, BLUE, WINE, OLIVE = "#B165DE", "#296194", "#690354", "#4F6601"
INK, GREY = "#222222", "#888888"
PALETTE = (INDIGO, CYAN, RED, LIME, GREEN, VIOLET, BLUE, WINE, OLIVE)
# The same colours on a dark page.
_DARK = {
    INDIGO: "#6F68BD",
    CYAN: "#1AA9C6",
    RED: "#F2B9AD",
    LIME: "#ADD870",
    GREEN: "#3F7F5D",
    VIOLET: "#A19FFF",
    BLUE: "#A3E0FD",
    WINE: "#9A5E8A",
    OLIVE: "#797434",
    INK: "#E8E8E8",
    GREY: "#999999",
}
# Inches that the numbers and the name of a horizontal axis take.
NAMES = 0.4
# Letters of the names that a title has room for.
NOTE = 24
# What has no class.
OTHER_COLOUR = GREY
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
LINES = ("-", "--", "-.", ":")


class Look(NamedTuple):
    """How a model is shown: the name that readers know, its colours on white and on a dark page, line and marker."""

    name: str
    light: str
    dark: str
    line: str
    marker: str


def _look(name: str, colour: str, line: str, marker: str) -> Look:
    return Look(name, colour, _DARK[colour], line, marker)


# By the names that tables have; a seed is a control that was fine-tuned from another one.
_MODELS = {
    "finetuned": _look("fine-tuned", INDIGO, "-", "o"),
    "bert": _look("fine-tuned", INDIGO, "-", "o"),
    "pretrained": _look("pre-trained", GREY, ":", "s"),
    "random": _look("untrained", RED, "--", "^"),
    "gaussian": _look("random matrices", GREY, ":", "<"),
    "kmer_logistic": _look("linear model on k-mers", GREEN, "--", "P"),
    "nearest_neighbour": _look("nearest neighbour", OLIVE, "-.", "X"),
    "majority": _look("most frequent class", WINE, ":", "*"),
}
_SEED_COLOURS = (CYAN, LIME, VIOLET, BLUE)
_SEED_MARKERS = ("D", "v", "<", ">")

plt.rcParams.update(
    {
        "axes.prop_cycle": plt.cycler(color=PALETTE),
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.labelsize": 9,
        "legend.fontsize": 8,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.constrained_layout.use": True,
        "svg.fonttype": "none",
        # Element names of an SVG are random otherwise, and the same run would give another file.
        "svg.hashsalt": "spikegeometry",
    }
)


def model_look(model: str) -> Look:
    """How a model of a table is shown, by its name there; `seed2` is "seed 2", and any other name its own."""
    if model in _MODELS:
        return _MODELS[model]
    seed = model.removeprefix("seed")
    number = int(seed) if seed.isdigit() else 0
    place = (number - 1) % len(_SEED_COLOURS)
    return _look(f"seed {seed}" if seed.isdigit() else model, _SEED_COLOURS[place], "-.", _SEED_MARKERS[place])


def model_style(model: str) -> dict[str, str]:
    """Colour and marker of a model, for a line of matplotlib's."""
    look = model_look(model)
    return {"color": look.light, "marker": look.marker}


def on_dark(colour: str) -> str:
    """What a colour of this module is on a dark page."""
    return _DARK[colour]


def class_colours(classes: list[str]) -> dict[str, str]:
    """A colour for each class; `other` is grey, and colours repeat after nine classes (markers then differ)."""
    named = [name for name in classes if name != "other"]
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(named)} | {"other": OTHER_COLOUR}


def class_markers(classes: list[str]) -> dict[str, str]:
    """A marker for each class, so that colour is never the only difference."""
    return {name: MARKERS[(i + i // len(PALETTE)) % len(MARKERS)] for i, name in enumerate(classes)}


def class_styles(classes: list[str], size: float = 4) -> dict[str, dict[str, Any]]:
    """Colour, marker and its size in points of each class, for a line of matplotlib's."""
    colours, markers = class_colours(classes), class_markers(classes)
    return {name: {"color": colours[name], "marker": markers[name], "markersize": size} for name in classes}


def note_missing(chosen: list[str], present: Iterable[str], what: str = "no sequence of") -> str:
    """What a title adds on the chosen classes that are not among those `present`; nothing, where all are.

    Many names, or long ones, are counted: a title has one line.
    """
    there = set(present)
    missing = [name for name in chosen if name not in there]
    if not missing:
        return ""
    names = ", ".join(missing)
    return f"; {what} {names if len(names) <= NOTE else f'{len(missing)} of {len(chosen)} classes'}"


def reach(axis: Axes, low: float, high: float) -> None:
    """Let the vertical axis go at least from `low` to `high`, so that small effects look small."""
    bottom, top = axis.get_ylim()
    axis.set_ylim(min(bottom, low), max(top, high))


def legend_below(axis: Axes, place: float = 0.5, **options: Any) -> None:
    """A legend under the numbers and the name of the horizontal axis, however high the axes are.

    `place` is its middle, from 0 at the left of the axes to 1; `options` are those of matplotlib's legend.
    """
    below = axis.transAxes + ScaledTranslation(0, -NAMES, axis.figure.dpi_scale_trans)
    axis.legend(loc="upper center", bbox_to_anchor=(place, 0), bbox_transform=below, **options)


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **options) -> tuple[Figure, Any]:
    """A figure of `width` x `height` inches with `rows` x `columns` axes: an `Axes`, or an array of them."""
    return plt.subplots(rows, columns, figsize=(width, height), **options)


def save(figure: Figure, png: str | os.PathLike, svg: str | os.PathLike) -> None:
    """Write a figure as PNG, in 256 colours, and as SVG without dates, so that the same table gives the same files."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DOTS_PER_INCH)
    with Image.open(picture) as full, atomic_path(png) as partial:
        few = full.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(partial, "PNG", optimize=True, dpi=(DOTS_PER_INCH, DOTS_PER_INCH))
    with atomic_path(svg) as partial:
        figure.savefig(partial, dpi=DOTS_PER_INCH, metadata={"Date": None})
    plt.close(figure)
