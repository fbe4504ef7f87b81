"""The look that every figure shares."""

import io
import os
from collections.abc import Iterable
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from spikegeometry.tables import atomic_path

SEQUENTIAL = "cividis"
DIVERGING = "RdBu_r"
DOTS_PER_INCH = 160
# Of a PNG: a third of the bytes of all colours, and no difference to the eye.
COLOURS = 256
# Paul Tol's "muted" scheme, told apart under the common kinds of colour blindness, and grey for what has no class.
_MUTED = ("#332288", "#88CCEE", "#44AA99", "#117733", "#DDCC77", "#CC6677", "#882255", "#AA4499", "#999933")
OTHER_COLOUR = "#888888"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")

plt.rcParams.update(
    {
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


def class_colours(classes: list[str]) -> dict[str, str]:
    """A colour for each class; `other` is grey, and colours repeat after nine classes (markers then differ)."""
    named = [name for name in classes if name != "other"]
    return {name: _MUTED[i % len(_MUTED)] for i, name in enumerate(named)} | {"other": OTHER_COLOUR}


def class_markers(classes: list[str]) -> dict[str, str]:
    """A marker for each class, so that colour is never the only difference."""
    return {name: MARKERS[(i + i // len(_MUTED)) % len(MARKERS)] for i, name in enumerate(classes)}


def model_title(name: str) -> str:
    """What a reader calls a network: `random` is untrained, `seed1` is another seed."""
    if name.startswith("seed"):
        return f"seed {name.removeprefix('seed')}"
    titles = {
        "finetuned": "fine-tuned",
        "pretrained": "pre-trained",
        "random": "untrained",
        "gaussian": "random matrices",
    }
    return titles[name]


def note_missing(chosen: list[str], present: Iterable[str]) -> str:
    """What a title adds on the chosen classes that are not among those `present`; nothing, where all are."""
    missing = [name for name in chosen if name not in set(present)]
    return f"; no sequence of {', '.join(missing)}" if missing else ""


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
