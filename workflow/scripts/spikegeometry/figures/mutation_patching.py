"""Figure of where mutations are read: maps of heads, the residual stream by layer, cuts of attention, and agreement."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import CYAN, DIVERGING, GREY, INDIGO, OLIVE, RED, model_look, new_figure

ALL_CLASSES = "all"
RUN = ["class", "against", "mutation"]
# Mutations that have room for a map, and letters of their names.
MOST_SHOWN, NAME = 8, 16
# Tokens that are patched, in words.
AT = {
    "cls": ("[CLS]", RED, "o"),
    "slot": ("the mutation's slots", INDIGO, "s"),
    "others": ("all other slots", CYAN, "^"),
    "matched": ("slots like them, as a null", OLIVE, "D"),
}
# What is hidden from what, in words.
CUTS = {"to_cls": "[CLS]", "to_others": "other tokens"}
UNTRAINED = f"{model_look('random').name} network"
NETWORKS = {"": "-", UNTRAINED: ":"}
METHODS = {
    "heads": "heads:\nattention",
    "attention": "mutations:\nattention",
    "rollout": "mutations:\nrollout",
    "gradients_reference": "mutations:\ngradients",
}


def draw_mutation_patching(
    table: pd.DataFrame, readout: pd.DataFrame, agreement: pd.DataFrame, untrained: pd.DataFrame | None
) -> Figure:
    """Maps of layers and heads for each mutation, and below, over all of them, residual stream, cuts and agreement.

    `table`: class, against, mutation, site, at, layer, head, direction, statistic, value, n, low, high; `readout`:
    class, against, mutation, n; `agreement`: class, against, method, value; `untrained`: as `table`, of the untrained
    network, or None.
    """
    if readout.empty:
        figure, axis = new_figure(10, 1.5)
        axis.set_axis_off()
        figure.suptitle(
            "Where mutations are read (n = 0): no mutation changes the logits of a sequence, so that none is patched"
        )
        return figure
    effects = table[table["statistic"] == "effect"]
    shown = readout.head(MOST_SHOWN)
    layers = effects["layer"].nunique()
    height = 2 * (0.75 + 0.17 * max(layers, 4)) + 0.9
    figure, axis = new_figure(10, height + 6.6)
    axis.remove()
    above, below = figure.subfigures(2, 1, height_ratios=[height, 6.6])
    _draw_maps(above, effects, shown)
    (stream, cuts), (paths, ranks) = below.subplots(2, 2)
    overall = {"": effects, UNTRAINED: untrained}
    overall = {
        name: one[(one["class"] == ALL_CLASSES) & (one["statistic"] == "effect")]
        for name, one in overall.items()
        if one is not None and len(one)
    }
    _draw_stream(stream, overall)
    _draw_cuts(cuts, overall)
    _draw_paths(paths, overall)
    _draw_ranks(ranks, agreement)
    handles = stream.get_legend_handles_labels()[0][: len(AT)]
    if UNTRAINED in overall:
        handles.append(Line2D([], [], color=GREY, linestyle=":", label=f"{UNTRAINED} (bars: hatched)"))
    below.legend(handles=handles, loc="outside lower center", ncols=len(handles), title="at the tokens")
    count = effects.loc[effects["class"] == ALL_CLASSES, "n"].max()
    part = f"{len(shown)} of {len(readout)}" if len(readout) > len(shown) else f"{len(readout)}"
    figure.suptitle(
        f"Where the network reads mutations and writes them into [CLS], n = {count:.0f} distinct sequences\n"
        f"above: {part} mutations; 1 is the whole effect of the mutation on the class's logit, 0 none of it"
    )
    return figure


def _draw_maps(figure, effects: pd.DataFrame, shown: pd.DataFrame) -> None:
    """A column for each mutation: what the outputs of heads and of the MLP restore, at [CLS] and at its slots."""
    axes = figure.subplots(2, len(shown), sharex=True, sharey=True, squeeze=False)
    patched = effects[effects["site"].isin(["head", "mlp"]) & (effects["direction"] == "denoise")]
    # Beside the heads stands the feed-forward part.
    beside = int(patched["head"].max()) + 1
    patched = patched.assign(column=patched["head"].fillna(beside))
    for column, (name, against, mutation) in enumerate(shown[RUN].itertuples(index=False)):
        own = patched[(patched[RUN] == [name, against, mutation]).all(axis=1)]
        for axis, at in zip(axes[:, column], ("cls", "slot"), strict=True):
            grid = own[own["at"] == at].pivot(index="layer", columns="column", values="value")
            drawn = axis.imshow(grid, cmap=DIVERGING, norm=Normalize(-1, 1), aspect="auto")
            down, across = np.unravel_index(np.nanargmax(grid.to_numpy()), grid.shape)
            axis.set_title(f"highest {grid.iloc[down, across]:.2f}", size=7, pad=3)
            axis.axvline(grid.shape[1] - 1.5, color="white", linewidth=2)
        columns = [f"{each:g}" if each < beside else "MLP" for each in grid.columns]
        step = max(1, (len(columns) - 1) // 3)
        ticks = [*range(0, len(columns) - 1, step), len(columns) - 1]
        axes[1, column].set_xticks(ticks, [columns[tick] for tick in ticks], size=7)
        short = mutation if len(mutation) <= NAME else f"{mutation[: NAME - 1]}…"
        other = "" if against == "reference" else f" / {against}"
        axes[0, column].set_title(f"{name}{other}\n{short}\n{axes[0, column].get_title()}", size=7, pad=3)
        step = max(1, len(grid) // 6)
        axes[0, column].set_yticks(range(0, len(grid), step), [f"{layer:g}" for layer in grid.index[::step]])
    axes[0, 0].set_ylabel("output at [CLS]\nlayer")
    axes[1, 0].set_ylabel("output at the slots\nlayer")
    figure.supxlabel("head, and feed-forward part (MLP)", size=9)
    figure.colorbar(drawn, ax=list(axes.ravel()), label="part of the effect\nthat it restores", aspect=30, pad=0.01)


def _line(axis: Axes, rows: pd.DataFrame, at: str, network: str) -> None:
    words, colour, marker = AT[at]
    rows = rows.sort_values("layer")
    shown = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.3, "alpha": 0.7 if network else 1}
    axis.plot(rows["layer"], rows["value"], NETWORKS[network], label=words, **shown)
    axis.fill_between(rows["layer"], rows["low"], rows["high"], color=colour, alpha=0.12, linewidth=0)


def _frame(axis: Axes, drawn: list[pd.DataFrame]) -> None:
    """Limits from no effect to all of it, and some of what lies beyond."""
    values = pd.concat(drawn)[["value", "low", "high"]].to_numpy(float)
    axis.set_ylim(np.clip(np.nanmin(values), -0.5, 0) - 0.08, np.clip(np.nanmax(values), 1, 1.5) + 0.08)
    axis.axhline(0, color=GREY, linewidth=0.6)
    axis.axhline(1, color=GREY, linewidth=0.6)


def _draw_stream(axis: Axes, overall: dict[str, pd.DataFrame]) -> None:
    drawn = []
    for network, table in overall.items():
        rows = table[(table["site"] == "residual") & (table["direction"] == "denoise")]
        for at in AT if not network else ("cls", "slot"):
            _line(axis, rows[rows["at"] == at], at, network)
        drawn.append(rows)
    _frame(axis, drawn)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set(xlabel="layer that it enters", ylabel="part of the effect restored")
    axis.set_title("Where the mutation is: residual stream patched")


def _draw_cuts(axis: Axes, overall: dict[str, pd.DataFrame]) -> None:
    drawn = []
    for network, table in overall.items():
        rows = table[(table["site"] == "to_cls") & table["layer"].notna()]
        for at in ("slot", "matched") if not network else ("slot",):
            _line(axis, rows[rows["at"] == at], at, network)
        drawn.append(rows)
    _frame(axis, drawn)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set(xlabel="layer in which they are hidden", ylabel="part of the effect lost")
    axis.set_title("When [CLS] takes it: slots hidden from [CLS]")


def _draw_paths(axis: Axes, overall: dict[str, pd.DataFrame]) -> None:
    """What is lost without edges in all layers: a group for each cut, a bar for each kind of slots."""
    bars = [(network, at) for network in overall for at in ("slot", "matched")]
    width, drawn = 0.8 / len(bars), []
    for number, (network, at) in enumerate(bars):
        rows = overall[network]
        rows = rows[rows["site"].isin(CUTS) & rows["layer"].isna() & (rows["at"] == at)].set_index("site").reindex(CUTS)
        errors = np.nan_to_num(np.clip([rows["value"] - rows["low"], rows["high"] - rows["value"]], 0, None))
        places = np.arange(len(CUTS)) + (number - (len(bars) - 1) / 2) * width
        style = {"color": AT[at][1], "alpha": 0.45 if network else 1, "hatch": "//" if network else None}
        axis.bar(places, rows["value"], 0.92 * width, yerr=errors, capsize=2, **style)
        drawn.append(rows)
    _frame(axis, drawn)
    axis.set_xticks(range(len(CUTS)), [f"hidden from {words}\nin all layers" for words in CUTS.values()])
    axis.set(ylabel="part of the effect lost")
    axis.set_title("On which way: straight, or by other tokens")


def _draw_ranks(axis: Axes, agreement: pd.DataFrame) -> None:
    """A point for each class, or mutation, and their mean, for each way to say what counts."""
    present = [name for name in METHODS if agreement.loc[agreement["method"] == name, "value"].notna().any()]
    for row, name in enumerate(present):
        values = agreement.loc[agreement["method"] == name, "value"].dropna()
        axis.plot(values, np.full(len(values), row), "o", color=INDIGO, alpha=0.5, markersize=5)
        axis.plot(values.mean(), row, "|", color="black", markersize=16, markeredgewidth=2)
    axis.axvline(0, color=GREY, linewidth=0.8)
    axis.set_yticks(range(len(present)), [METHODS[name] for name in present], size=7)
    axis.set(xlim=(-1.05, 1.05), ylim=(len(present) - 0.5, -0.5), xlabel="Spearman's correlation (line: mean)")
    axis.set_title("Does attention rank what counts as patches do?")
