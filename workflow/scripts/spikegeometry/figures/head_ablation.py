"""Figure of what the classifier loses without heads: heat maps, layers, importance, and the pruning curves."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, Normalize, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter

from spikegeometry.figures.style import CYAN, DIVERGING, GREY, LIME, RED, SEQUENTIAL, new_figure, note_missing

ALL_CLASSES = "all"
# Changes whose corrected p is under this are marked.
SIGNIFICANT = 0.05
# Changes of log-probability are drawn in logarithms down to this part of the largest one.
DECADES = 1000
# Colours show no smaller change as a large one.
LEAST_LIMIT = 0.01
# Heads of which a map has room for the numbers.
NUMBERS_ACROSS = 8
# Inches that the name of a tick takes, those of the panels below, and what titles and names take of a map's row.
TICK, PANEL, AROUND = 0.17, 2.2, 0.9
MODES = {"zero": "nothing in its place", "uniform": "uniform attention instead", "mean": "its training mean instead"}
MODE_COLOURS = {"zero": CYAN, "uniform": RED, "mean": LIME}
MEASURES = {
    "log_probability": ("log-probability", "change of the mean log-\nprobability of the truth"),
    "accuracy": ("accuracy", "change of accuracy"),
}
ORDERS = {
    "importance": ("least important by gradient first", CYAN, "o"),
    "effect": ("least missed on validation first", RED, "s"),
    "random": ("at random", GREY, "^"),
}


def draw_head_ablation(table: pd.DataFrame, importance: pd.DataFrame, curve: pd.DataFrame, chosen: list[str]) -> Figure:
    """Changes without each head and each layer's attention, importance against these changes, and pruning curves.

    `table`: class, variant, site, layer, head, statistic, value, n, low, high; `importance`: layer, head, statistic,
    value, low, high; `curve`: order, repeat, removed, statistic, value, low, high; `chosen`: the classes asked for.
    """
    everything = table[table["class"] == ALL_CLASSES]
    modes = [mode for mode in MODES if mode in set(everything["variant"])]
    heads = everything[everything["site"] == "head"]
    height = 1.5 + 0.28 * heads["layer"].nunique()
    figure, axis = new_figure(10, len(MEASURES) * height + 7.6)
    axis.remove()
    above, below = figure.subfigures(2, 1, height_ratios=[len(MEASURES) * height, 7])
    axes = above.subplots(len(MEASURES), len(modes), squeeze=False)
    for row, (measure, (name, label)) in zip(axes, MEASURES.items(), strict=True):
        limit = max(heads.loc[heads["statistic"] == f"d_{measure}", "value"].abs().max(), LEAST_LIMIT)
        # A few heads may lose a thousand times what others do in log-probability.
        scale, ticks = Normalize(-limit, limit), None
        if name != "accuracy":
            scale = SymLogNorm(limit / DECADES, 1, -limit, limit)
            ticks = _ticks(scale.linthresh, limit, (height - AROUND) / _decades(DECADES) / 2)
        for axis, mode in zip(row, modes, strict=True):
            drawn = _draw_heads(axis, heads[heads["variant"] == mode], measure, scale)
            axis.set_title(f"{name.capitalize()} without a head,\n{MODES[mode]}")
        above.colorbar(drawn, ax=list(row), label=label, ticks=ticks).minorticks_off()

    (layers, scatter), (accuracy, probability) = below.subplots(2, 2)
    _draw_layers(layers, everything[everything["site"] == "layer"], modes)
    first = everything.loc[everything["site"] == "head", "variant"].iloc[0]
    _draw_importance(below, scatter, importance, heads[heads["variant"] == first])
    _draw_curves(accuracy, curve, "accuracy", "accuracy")
    _draw_curves(probability, curve, "d_log_probability", "change of log-probability")
    accuracy.legend(title="heads go: how many before accuracy falls", loc="upper center", bbox_to_anchor=(0.5, -0.2))

    start = everything[everything["variant"] == "none"].set_index("statistic")["value"]
    note = note_missing(chosen, table["class"])
    figure.suptitle(
        f"Test sequences without heads, n = {everything['n'].max():.0f} distinct{note}\n"
        f"with all heads: accuracy {start['accuracy']:.3f}, mean log-probability {start['log_probability']:.3g}; "
        f"a star or dot is a significant change (q < {SIGNIFICANT})"
    )
    return figure


def _decades(ratio: float) -> float:
    """How many decades a side of a logarithmic scale takes, of which the part around 0 is one."""
    return 1 + np.log10(ratio)


def _ticks(threshold: float, most: float, decade: float) -> list[float]:
    """0 and whole powers of ten from `threshold` to `most` on both sides; a decade has `decade` inches."""
    step = int(np.ceil(TICK / decade))
    powers = 10.0 ** np.arange(np.floor(np.log10(most)), np.ceil(np.log10(threshold) + 0.5) - 1, -step)
    return [*-powers, 0, *powers[::-1]]


def _draw_heads(axis: Axes, rows: pd.DataFrame, measure: str, scale: Normalize):
    """A cell for each head, white where nothing changes; real changes are starred, or dotted where there is no room."""
    grids = {
        name: rows[rows["statistic"] == f"{name}_{measure}"].pivot(index="layer", columns="head", values="value")
        for name in ("d", "q")
    }
    grid = grids["d"]
    drawn = axis.imshow(grid, cmap=DIVERGING, norm=scale, aspect="auto")
    for (down, across), value in np.ndenumerate(grid.to_numpy()):
        real = grids["q"].to_numpy()[down, across] < SIGNIFICANT
        if grid.shape[1] <= NUMBERS_ACROSS:
            digits = 2 if abs(value) >= 0.01 else 1
            label = f"{value:+.{digits}g}{' *' if real else ''}" if value else "0"
            text = axis.text(across, down, label, ha="center", va="center", size=8)
            text.set_path_effects([withStroke(linewidth=2, foreground="white")])
        elif real:
            axis.plot(across, down, ".", color="black", markersize=5)
    axis.set_yticks(range(grid.shape[0]), [f"{layer:g}" for layer in grid.index])
    axis.set_xticks(range(grid.shape[1]), [f"{head:g}" for head in grid.columns])
    axis.set(xlabel="head", ylabel="layer")
    return drawn


def _draw_layers(axis: Axes, rows: pd.DataFrame, modes: list[str]) -> None:
    """Accuracy without the attention of a whole layer, a bar for each mode."""
    found = rows[rows["statistic"] == "accuracy"]
    width = 0.8 / len(modes)
    for number, mode in enumerate(modes):
        of_mode = found[found["variant"] == mode]
        errors = np.clip([of_mode["value"] - of_mode["low"], of_mode["high"] - of_mode["value"]], 0, None)
        places = of_mode["layer"] + (number - (len(modes) - 1) / 2) * width
        axis.bar(places, of_mode["value"], width, yerr=errors, capsize=2, color=MODE_COLOURS[mode], label=MODES[mode])
    axis.set(
        title="Without the attention of a whole layer",
        xlabel="layer",
        ylabel="accuracy",
        ylim=(0, 1.2 + 0.12 * (len(modes) > 2)),
    )
    axis.set_yticks(np.linspace(0, 1, 6))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(loc="upper center", ncols=2, frameon=False)


def _draw_importance(figure, axis: Axes, importance: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Loss without each head against its importance by gradients; colour is the layer."""
    effects = rows[rows["statistic"] == "d_log_probability"][["layer", "head", "value", "low", "high"]]
    found = importance[importance["statistic"] == "importance"][["layer", "head", "value"]]
    both = found.merge(effects, on=["layer", "head"], suffixes=("", "_effect"))
    layers = np.sort(both["layer"].unique())
    colours = BoundaryNorm(np.arange(layers[0], layers[-1] + 2) - 0.5, colormaps[SEQUENTIAL].N)
    errors = np.clip([both["value_effect"] - both["low"], both["high"] - both["value_effect"]], 0, None)
    axis.errorbar(both["value"], -both["value_effect"], errors[::-1], fmt="none", ecolor="#BBBBBB", linewidth=1)
    drawn = axis.scatter(
        both["value"], -both["value_effect"], c=both["layer"], cmap=SEQUENTIAL, norm=colours, s=25, zorder=3
    )
    row = importance[importance["statistic"] == "spearman"].iloc[0]
    interval = f" [{row['low']:.2f}, {row['high']:.2f}]" if np.isfinite(row["low"]) else ""
    axis.axhline(0, color=GREY, linewidth=1)
    threshold = max(both["value_effect"].abs().max(), LEAST_LIMIT) / DECADES
    axis.set_yscale("symlog", linthresh=threshold)
    most, least = (
        np.nanmax([*both[bound] * sign, *both["value_effect"] * sign]) for bound, sign in (("low", -1), ("high", 1))
    )
    bounds = [2 * max(least, threshold), 2 * max(most, threshold)]
    axis.set_ylim(-bounds[0], bounds[1])
    decade = PANEL / sum(_decades(bound / threshold) for bound in bounds)
    axis.yaxis.set_major_locator(FixedLocator(_ticks(threshold, max(bounds), decade)))
    axis.set(
        title=f"Importance and loss: Spearman's {row['value']:.2f}{interval}",
        xlabel="importance by gradients (validation)",
        ylabel="log-probability lost\nwithout the head (test)",
    )
    figure.colorbar(drawn, ax=axis, label="layer", ticks=MaxNLocator(integer=True), pad=0.02, aspect=25)


def _draw_curves(axis: Axes, curve: pd.DataFrame, statistic: str, label: str) -> None:
    """A line for each order of removal; its interval, but not those of random orders."""
    total = curve["removed"].max()
    removable = curve[curve["statistic"] == "removable"].set_index(["order", "repeat"])["value"]
    for order, (name, colour, marker) in ORDERS.items():
        of_order = curve[(curve["order"] == order) & (curve["statistic"] == statistic)]
        for repeat, rows in of_order.groupby("repeat"):
            can_go = ", ".join(f"{number:.0f}" for number in removable[order])
            shown = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.2}
            axis.plot(rows["removed"], rows["value"], label=f"{name}: {can_go}" if repeat == 1 else None, **shown)
            if order != "random":
                axis.fill_between(rows["removed"], rows["low"], rows["high"], color=colour, alpha=0.15, linewidth=0)
    axis.set(xlabel=f"heads removed, of {total:.0f}", ylabel=label)
    axis.set_title("Removing more and more heads")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if statistic == "accuracy":
        axis.set_ylim(0, 1.05)
        axis.yaxis.set_major_formatter(PercentFormatter(1))
