"""Small drawings of a statistic through the layers of several runs, for a page in light or dark."""

from collections.abc import Callable
from html import escape

import pandas as pd

from spikegeometry.figures.style import PALETTE, on_dark
from spikegeometry.report.statistics import Statistic

# The drawing, and the part of it that curves lie in, in its own units.
WIDTH, HEIGHT = 260, 150
LEFT, RIGHT, TOP, BOTTOM = 62, 250, 10, 116
# Shapes of the marks, one run after the other, about the middle of a square of ten.
MARKS = ("M1 5a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "M1.5 1.5h7v7h-7z", "M5 1L9.5 9H.5z", "M5 0L10 5L5 10L0 5z")
AXES = {"layer": "layer", "depth": "depth: layer by number of layers"}
STYLE = """.panels { display: grid; gap: 1rem; }
.panels { grid-template-columns: repeat(auto-fill, minmax(min(16rem, 100%), 1fr)); }
figure { margin: 0; break-inside: avoid; display: flex; flex-direction: column; justify-content: space-between; }
figcaption { font-size: .85em; line-height: 1.35; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; max-width: 24rem; }
svg text { font-size: 10px; fill: currentColor; }
svg .axis, svg .reference { stroke: currentColor; stroke-width: .7; fill: none; }
svg .reference { stroke-dasharray: 1 3; }
svg polyline { fill: none; stroke: currentColor; }
svg polyline.untrained { stroke-width: 1.2; stroke-dasharray: 4 3; marker: none; }
.marks { position: absolute; width: 0; }
.key { display: inline-block; margin-right: 1.2rem; overflow-wrap: anywhere; }
.key svg { width: 2.5rem; vertical-align: middle; }
.key span { color: CanvasText; }
"""


def run_style(runs: int) -> str:
    """CSS of the colours and marks of so many runs, which repeat after nine and four of them.

    Each line is thinner than that of the run before, so that one on another hides nothing.
    """
    colours = [PALETTE[number % len(PALETTE)] for number in range(runs)]
    light = [
        f".r{number} {{ color: {colour}; marker: url(#m{number}); stroke-width: {max(1.2, 3 - number)}; }}"
        for number, colour in enumerate(colours)
    ]
    dark = [f".r{number} {{ color: {on_dark(colour)}; }}" for number, colour in enumerate(colours)]
    return "\n".join([*light, "@media screen and (prefers-color-scheme: dark) {", *dark, "}\n"])


def run_key(runs: list[str]) -> str:
    """HTML of what stands for which run, with the marks that the drawings share."""
    marks = "".join(
        f'<marker id="m{number}" viewBox="0 0 10 10" refX="5" refY="5" markerWidth="7" markerHeight="7" '
        f'markerUnits="userSpaceOnUse">'
        f'<path class="r{number}" d="{MARKS[number % len(MARKS)]}" fill="currentColor"/></marker>'
        for number in range(len(runs))
    )
    keys = "".join(
        f'<span class="key r{number}"><svg viewBox="0 0 40 12" aria-hidden="true">'
        f'<polyline class="r{number}" points="4,6 20,6 36,6"/></svg> <span>{escape(run)}</span></span>'
        for number, run in enumerate(runs)
    )
    return f'<svg class="marks" viewBox="0 0 1 1" aria-hidden="true"><defs>{marks}</defs></svg>\n<p>{keys}</p>'


def curve_panel(
    statistic: Statistic,
    rows: pd.DataFrame,
    runs: list[str],
    untrained: str,
    along: str,
    ends: tuple[float, float],
) -> str:
    """A statistic by layer as a figure element: a line for each of `runs`, dashed ones for their untrained networks.

    `rows` (run, model, layer, depth, value, n) are those of the statistic; `untrained` is the name that such a network
    has as `model`, `along` the column of the horizontal axis, `layer` or `depth`, and `ends` are those of the axis.
    """
    rows = rows.sort_values(along, kind="stable")
    values = [*rows["value"], *([] if statistic.reference is None else [statistic.reference])]
    low, high = min(values), max(values)
    x_of, y_of = _scale(*ends, LEFT + 6, RIGHT - 6), _scale(low, high, BOTTOM, TOP)
    lines, told = [], []
    for (run, model), points in rows.groupby(["run", "model"], sort=False):
        kind = " untrained" if model == untrained else ""
        places = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in zip(points[along], points["value"], strict=True))
        lines.append(f'<polyline class="r{runs.index(run)}{kind}" points="{places}"/>')
        told.append(f"{run}{kind}: {', '.join(f'{value:.3g}' for value in points['value'])}")
    if statistic.reference is not None:
        y = y_of(statistic.reference)
        lines.insert(0, f'<path class="reference" d="M{LEFT} {y:.1f}H{RIGHT}"/>')
    sizes = rows[rows["model"].ne(untrained)].groupby("run", sort=False)["n"].max().reindex(runs)
    counts = ", ".join("-" if pd.isna(n) else f"{n:.0f}" for n in sizes)
    title = escape(statistic.title) + ("</b>" if sizes.isna().all() else f"</b>, n = {counts}")
    texts = [
        (LEFT - 5, y_of(high) + 4, "end", f"{high:.4g}"),
        (LEFT - 5, y_of(low) + 4, "end", f"{low:.4g}" if low < high else ""),
        *((x_of(end), BOTTOM + 14, "middle", f"{end:.3g}") for end in ends),
        ((LEFT + RIGHT) / 2, BOTTOM + 28, "middle", AXES[along]),
    ]
    said = "".join(f'<text x="{x:.1f}" y="{y}" text-anchor="{side}">{text}</text>' for x, y, side, text in texts)
    middle = (TOP + BOTTOM) / 2
    turned = (
        f'<text transform="translate(10 {middle}) rotate(-90)" text-anchor="middle">{escape(statistic.unit)}</text>'
    )
    return (
        f"<figure><figcaption><b>{title}. {escape(statistic.meaning)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape("; ".join(told))}">'
        f'<path class="axis" d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"/>{said}{turned}{"".join(lines)}</svg></figure>'
    )


def _scale(least: float, most: float, start: float, end: float) -> Callable[[float], float]:
    """A function from values to places from `start`, of the least, to `end`; all in the middle where they are equal."""
    span = most - least
    return lambda value: (start + end) / 2 if span == 0 else start + (value - least) / span * (end - start)
