"""Figure of the bilinear forms: each head of the fine-tuned model, all models by layer, and the eigenvalues."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Patch
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import DIVERGING, GREY, INK, SEQUENTIAL, model_look, model_style, new_figure, reach

PRETRAINED, FINETUNED, RANDOM = "pretrained", "finetuned", "gaussian"
# Each heat map's title and whether its values have a sign.
MAPS = {
    "symmetry": ("Symmetry score", True),
    "directionality": ("Directionality score", True),
    "relative_change": ("Change since pre-training", False),
}
# Each panel's title, axis label, and what its axis shows at least.
LINES = {
    "symmetry": ("Symmetry by layer", "symmetry score (1 symmetric, -1 skew)", (-0.1, 0.1)),
    "directionality": ("Directionality by layer", "score (-1 columns, 1 rows dominate)", (-1, 1)),
    "relative_change": ("Change since pre-training by layer", "$||M - M_0||\\ /\\ ||M_0||$", None),
    "pi_plus": ("Positive eigenvalues of the symmetric part", "their share of the sum of squares", (0.4, 0.6)),
    "rank_share": ("Effective rank", "share of the largest possible rank", (0, 1.03)),
}
# Colours show no smaller score as a large one.
LEAST_SCORE = 0.1
BAND_COLOUR, BAND_EDGE = "#DDDDDD", INK


def draw_subspace_directionality(table: pd.DataFrame, spectra: pd.DataFrame) -> Figure:
    """Scores of the heads and layers of all models, and the eigenvalues of the heads of the fine-tuned one.

    `table`: model, form, layer, head, statistic, value, n, low, high; `spectra`: model, form, layer, head, spectrum,
    rank, value, imaginary.
    """
    table = pd.concat([table, _rank_shares(table, spectra)])
    models = [name for name in table["model"].unique() if name != RANDOM]
    figure, axes = new_figure(10, 10, 3, 3)
    finetuned = table[(table["model"] == FINETUNED) & (table["form"] == "head")]
    for axis, (statistic, (title, signed)) in zip(axes[0], MAPS.items(), strict=True):
        _draw_map(figure, axis, finetuned[finetuned["statistic"] == statistic], signed)
        axis.set_title(f"{title}, {model_look(FINETUNED).name}")
    for axis, (statistic, (title, label, least)) in zip(axes[1:].flat, LINES.items(), strict=False):
        rows = table[table["statistic"] == statistic]
        for place, name in enumerate(models):
            if statistic != "relative_change" or name != PRETRAINED:
                offset = 0.5 * (place + 0.5) / len(models) - 0.25
                _draw_layers(axis, rows[rows["model"] == name], offset, **model_style(name))
        _draw_chance(axis, rows[rows["model"] == RANDOM])
        if least:
            reach(axis, *least)
        axis.set(title=title, ylabel=label, xlabel="layer")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[1, 2].set_yscale("log" if {"random"} & set(models) else "linear")
    _draw_eigenvalues(figure, axes[2, 2], spectra[(spectra["model"] == FINETUNED) & (spectra["form"] == "head")])

    handles = [
        *(Line2D([], [], **model_style(name), markersize=4, label=model_look(name).name) for name in models),
        Line2D([], [], color=INK, label="line: whole layer"),
        Line2D([], [], color=INK, marker="o", markersize=3, linestyle="", label="points: heads"),
        Patch(color=BAND_COLOUR, label="random heads"),
        Line2D([], [], color=BAND_EDGE, linestyle=":", label="random layers, between the lines"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    layers, heads = (finetuned[place].nunique() for place in ("layer", "head"))
    figure.suptitle(f"How heads choose what they attend to: bilinear forms, n = {layers} layers of {heads} heads")
    return figure


def _rank_shares(table: pd.DataFrame, spectra: pd.DataFrame) -> pd.DataFrame:
    """Effective ranks over the number of singular values of a form."""
    full = spectra[spectra["spectrum"] == "singular"].groupby("form")["rank"].max()
    ranks = table[table["statistic"] == "effective_rank"].assign(statistic="rank_share")
    values = ["value", "low", "high"]
    return ranks.assign(**ranks[values].div(ranks["form"].map(full), axis=0))


def _draw_map(figure: Figure, axis: Axes, rows: pd.DataFrame, signed: bool) -> None:
    """One cell for each head; where the values have a sign, white is 0."""
    grid = rows.pivot(index="layer", columns="head", values="value")
    limit = np.nanmax(np.abs(grid.to_numpy()), initial=LEAST_SCORE)
    image = axis.imshow(
        grid, cmap=DIVERGING if signed else SEQUENTIAL, vmin=-limit if signed else 0, vmax=limit, aspect="auto"
    )
    axis.set_xticks(range(len(grid.columns)), grid.columns.astype(int))
    axis.set_yticks(range(len(grid.index)), grid.index.astype(int))
    axis.set(xlabel="head", ylabel="layer")
    figure.colorbar(image, ax=axis)


def _draw_layers(axis: Axes, rows: pd.DataFrame, offset: float, color: str, marker: str) -> None:
    """Heads as points beside their layer, whole layers as a line."""
    of_heads, of_layers = (rows[rows["form"] == form] for form in ("head", "layer"))
    axis.plot(
        of_heads["layer"] + offset, of_heads["value"], linestyle="", color=color, marker=marker, markersize=3, alpha=0.6
    )
    axis.plot(of_layers["layer"] + offset, of_layers["value"], color=color, linewidth=1.4)


def _draw_chance(axis: Axes, rows: pd.DataFrame) -> None:
    """The range of random heads as a band, that of random layers between dotted lines."""
    bounds = rows.set_index("form")[["low", "high"]]
    if len(bounds):
        axis.axhspan(*bounds.loc["head"], color=BAND_COLOUR, linewidth=0, zorder=0)
        for bound in bounds.loc["layer"]:
            axis.axhline(bound, color=BAND_EDGE, linestyle=":", linewidth=1, zorder=1)


def _draw_eigenvalues(figure: Figure, axis: Axes, rows: pd.DataFrame) -> None:
    """Eigenvalues of every head over its largest singular value, which bounds their modulus."""
    norms = rows[(rows["spectrum"] == "singular") & (rows["rank"] == 1)]
    norms = norms.rename(columns={"value": "norm"})[["layer", "head", "norm"]]
    eigen = rows[rows["spectrum"] == "eigen"].merge(norms, on=["layer", "head"])
    edges = np.append(eigen["layer"].unique(), eigen["layer"].max() + 1) - 0.5
    points = axis.scatter(
        eigen["value"] / eigen["norm"],
        eigen["imaginary"] / eigen["norm"],
        c=eigen["layer"],
        cmap=SEQUENTIAL,
        norm=BoundaryNorm(edges, colormaps[SEQUENTIAL].N),
        s=4,
        linewidth=0,
        rasterized=True,
    )
    axis.add_patch(Circle((0, 0), 1, fill=False, edgecolor=GREY))
    axis.set(aspect="equal", xlim=(-1.05, 1.05), ylim=(-1.05, 1.05))
    axis.set(
        title=f"Eigenvalues of the heads, {model_look(FINETUNED).name}",
        xlabel="real part / $\\sigma_1$",
        ylabel="imaginary part / $\\sigma_1$",
    )
    figure.colorbar(points, ax=axis, label="layer", ticks=eigen["layer"].unique(), shrink=0.8)
