"""Figure of the attention to the positions that define a class: head by head, in all, and along the gene."""

from itertools import product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spikegeometry.figures.domains import name_axis
from spikegeometry.figures.style import DIVERGING, GREY, class_colours, class_markers, new_figure, note_missing

# Tests whose corrected p is under this are marked.
SIGNIFICANT = 0.05
VARIANTS = {"kmers": "k-mers", "cls": "[CLS]"}
AGAINST = {
    "domain": "others of the same domain",
    "alike": "others as variable and as rare",
    "elsewhere": "those that define other classes",
}
LABEL = "log2(attention /\nthat at the others)"


def draw_attention_positions(
    table: pd.DataFrame,
    positions: pd.DataFrame,
    profiles: pd.DataFrame,
    domains: pd.DataFrame,
    mutations: pd.DataFrame,
    classes: list[str],
    chosen: list[str],
) -> Figure:
    """Enrichment at the defining positions of each class, by head and over heads, and what each position receives.

    `table`: class, against, layer, head, variant, statistic, value, n; `positions`: class, token, defining; `profiles`:
    class, variant, token, value (1: an even share); `domains`, `mutations`: name, first, last (in tokens), and class;
    `classes`: all classes of the run, of which `chosen` were asked for.
    """
    present = set(profiles["class"])
    shown = [name for name in classes if name in present]
    counts = table.groupby("class")["n"].max()
    numbers = table[table["statistic"] == "positions"].groupby("class")["value"].max()
    labels = [f"{name} ({numbers.get(name, 0):.0f}; {counts.get(name, 0):.0f})" for name in shown]
    row = max(1.5, 0.5 + 0.2 * len(shown))
    heights = [*[row] * len(AGAINST), row + 0.3, row, row]
    figure, axes = new_figure(10, sum(heights) + 2.6, len(heights), 2, height_ratios=heights)
    of_heads, (left, right), of_profiles = axes[: len(AGAINST)], axes[len(AGAINST)], axes[len(AGAINST) + 1 :]
    grid = axes[0, 0].get_gridspec()
    for column, (variant, title) in enumerate(VARIANTS.items()):
        rows = table[table["variant"] == variant]
        limit = _limit(rows[rows["statistic"] == "log2_enrichment"]["value"])
        for axis, (against, others) in zip(of_heads[:, column], AGAINST.items(), strict=True):
            drawn = _draw_heads(axis, rows[rows["against"] == against], shown, labels if column == 0 else None, limit)
            axis.set_title(f"Attention of the {title}, against\n{others}".replace("the [", "["))
        of_heads[-1, column].set_xlabel("layer, and in it head")
        figure.colorbar(drawn, ax=list(of_heads[:, column]), label=LABEL, shrink=0.8, pad=0.01)
    _draw_means(left, right, table, classes, shown)
    last = profiles["token"].max()
    inside = domains[domains["first"] < last].assign(last=domains["last"].clip(upper=last))
    for place, (variant, title) in enumerate(VARIANTS.items()):
        for axis in of_profiles[place]:
            axis.remove()
        axis = figure.add_subplot(grid[len(heights) - len(VARIANTS) + place, :])
        drawn = _draw_profiles(axis, profiles[profiles["variant"] == variant], positions, shown)
        figure.colorbar(drawn, ax=axis, label="log2(attention /\neven share)", pad=0.01)
        axis.set_xlim(0.5, profiles["token"].max() + 0.5)
        pad = name_axis(axis, inside, mutations) if place == 0 else None
        axis.set_title(f"What each position receives, mean over heads: from {title}", pad=pad)
    axis.set_xlabel("k-mer along the gene (token)")
    handles = [
        Line2D([], [], color=class_colours(classes)[name], marker=class_markers(classes)[name], label=name)
        for name in shown
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=8, title="colours of the panels with lines")
    note = note_missing(chosen, present)
    n = counts.reindex(shown).sum()
    figure.suptitle(
        f"Attention to the positions that define a class, n = {n:.0f} distinct sequences{note}\n"
        "In parentheses: number of defining positions; of sequences"
    )
    return figure


def _limit(values: pd.Series) -> float:
    """Of a scale that is symmetric about 0: the largest finite value, 3 at most."""
    finite = values[np.isfinite(values)].abs()
    return min(max(float(finite.max()), 0.5), 3) if len(finite) else 1


def _draw_heads(axis: Axes, rows: pd.DataFrame, shown: list[str], labels: list[str] | None, limit: float):
    """A cell for each class and head, with a dot where the test is significant; grey where there is none.

    White triangles mark what lies beyond the scale, upwards or downwards.
    """
    grid = rows.pivot_table(index=["statistic", "class"], columns=["layer", "head"], values="value")
    names = pd.MultiIndex.from_product([("log2_enrichment", "q_position"), shown])
    grid = grid.reindex(names).replace([-np.inf], -10)
    enrichment, q = grid.loc["log2_enrichment"].to_numpy(), grid.loc["q_position"].to_numpy()
    axis.set_facecolor("#DDDDDD")
    drawn = axis.imshow(
        enrichment.reshape(len(shown), -1), cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto", interpolation="none"
    )
    # Marks as wide as a cell at most.
    cell = axis.get_window_extent().width * 72 / axis.figure.dpi / max(enrichment.shape[-1], 1)
    down, across = np.nonzero(q < SIGNIFICANT)
    axis.plot(across, down, ".", color="black", markersize=min(4, 1.2 * cell))
    # A cell beyond the scale says so.
    for marker, beyond in (("^", enrichment > limit), ("v", enrichment < -limit)):
        down, across = np.nonzero(beyond)
        axis.plot(across, down - 0.28, marker, color="white", markersize=min(2.5, cell), linewidth=0)
    layers = np.array([layer for layer, _ in grid.columns], dtype=int)
    starts = np.flatnonzero(np.diff(layers, prepend=0))
    for start in starts[1:]:
        axis.axvline(start - 0.5, color="white", linewidth=1)
    axis.set_xticks([np.flatnonzero(layers == layers[start]).mean() for start in starts], layers[starts])
    axis.set_yticks(range(len(shown)), labels or [""] * len(shown))
    return drawn


def _draw_means(left: Axes, right: Axes, table: pd.DataFrame, classes: list[str], shown: list[str]) -> None:
    """Mean enrichment over heads of each class, against all kinds of others; and variability and rarity."""
    colours, markers = class_colours(classes), class_markers(classes)
    rows = table[table["statistic"] == "log2_enrichment"].replace([-np.inf], np.nan)
    means = rows.groupby(["class", "against", "variant"])["value"].mean()
    x = {place: number for number, place in enumerate(product(VARIANTS, AGAINST))}
    for name in shown:
        style = {"color": colours[name], "marker": markers[name], "markersize": 5}
        for variant in VARIANTS:
            values = [means.get((name, against, variant), np.nan) for against in AGAINST]
            left.plot([x[variant, against] for against in AGAINST], values, linewidth=0.8, **style)
        covariates = table[(table["class"] == name) & (table["against"] == "alike")].set_index("statistic")["value"]
        for covariate, offset in (("entropy", 0), ("surprisal", 2)):
            values = [covariates.get(key, np.nan) for key in (covariate, f"{covariate}_expected")]
            right.plot([offset, offset + 1], values, linewidth=0.8, **style)
    left.axhline(0, color=GREY, linewidth=0.8)
    others = {"domain": "domain", "alike": "alike", "elsewhere": "other\nclasses"}
    left.set_xticks(
        list(x.values()), [f"{VARIANTS[variant]}:\n{others[against]}" for variant, against in x], fontsize=7
    )
    left.set(ylabel=LABEL, title="Enrichment, mean over heads")
    right.set_xticks(range(4), ["variability:\ndefining", "others\nalike", "rarity:\ndefining", "others\nalike"])
    right.set(ylabel="bits", title="How like the others are that are drawn")


def _draw_profiles(axis: Axes, profiles: pd.DataFrame, positions: pd.DataFrame, shown: list[str]):
    """log2 of what each position receives, by class; defining positions are marked above their cell."""
    grid = profiles.pivot(index="class", columns="token", values="value").reindex(shown)
    with np.errstate(divide="ignore"):
        values = np.log2(grid.to_numpy())
    limit = _limit(pd.Series(values.ravel()))
    axis.set_facecolor("#DDDDDD")
    edges = np.append(grid.columns, grid.columns[-1] + 1) - 0.5
    drawn = axis.pcolormesh(
        edges, np.arange(len(shown) + 1) - 0.5, values, cmap=DIVERGING, vmin=-limit, vmax=limit, rasterized=True
    )
    for row, name in enumerate(shown):
        tokens = positions.loc[(positions["class"] == name) & positions["defining"], "token"]
        axis.plot(tokens, np.full(len(tokens), row - 0.33), "v", color="black", markersize=3)
    axis.set_yticks(range(len(shown)), shown)
    axis.invert_yaxis()
    return drawn
