"""Figure of attention rollout and flow along the gene, with the protein domains."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from spikegeometry.figures.domains import name_axis, shade_domains
from spikegeometry.figures.style import INK, SEQUENTIAL, class_styles, new_figure, note_missing

ALL_CLASSES = "all"
# What the gradient is compared with.
MEASURES = {
    "spearman_rollout": "rollout",
    "spearman_rollout_specific": "rollout, mean-centred",
    "spearman_flow_bound": "flow bound",
    "spearman_attention": "last layer's attention",
}
SPECIAL = {"[CLS]": 0, "[SEP]": -1}


def draw_attention_flow(
    table: pd.DataFrame,
    layers: pd.DataFrame,
    domains: pd.DataFrame,
    mutations: pd.DataFrame,
    classes: list[str],
    chosen: list[str],
    source: int,
) -> Figure:
    """What a token draws from each k-mer by rollout and flow, beside the gradient, and the rollout from each layer.

    `table`: class, token (as in SPECIAL, k-mers from 1), statistic, value, n; `layers`: class, layer, token, value;
    `domains`, `mutations`: name, first, last (in tokens), and class; `classes`: all classes of the run, in the order of
    their colours; `chosen`: those that were asked for; `source`: the token that draws.
    """
    start = f"k-mer {source}" if source else "[CLS]"
    present = set(table["class"])
    shown = [name for name in classes if name in present]
    styles = {name: style for name, style in class_styles(classes).items() if name in shown}
    n = int(table["token"].max()) + len(SPECIAL)
    kmers = table[table["token"] > 0]
    special = table[(table["class"] == ALL_CLASSES) & table["token"].isin(SPECIAL.values())]
    special = special.set_index(["statistic", "token"])["value"]

    height = 12.5 + 0.14 * layers["layer"].nunique()
    figure, axes = new_figure(10, height, 5, 1, sharex=True, height_ratios=[3, 3, 3, 3, 2])
    axes[0].set_xlim(0, n - 1)
    domains = domains[domains["first"] < n - 1].assign(last=domains["last"].clip(upper=n - 1))
    pad = name_axis(axes[0], domains, mutations)
    titles = {"rollout": f"Rollout from {start}", "rollout_specific": "Less the mean rollout from all tokens"}
    for axis, (statistic, title) in zip(axes, titles.items(), strict=False):
        _draw_classes(axis, kmers[kmers["statistic"] == statistic], n, styles)
        ends = (f"{name} {special[statistic, token] * n:.3g}" for name, token in SPECIAL.items())
        axis.set_title(f"{title}; not drawn: {', '.join(ends)}", pad=pad if axis is axes[0] else None)
    axes[0].set_ylabel("rollout x n (1: all tokens alike)")
    axes[1].set_ylabel("difference x n")
    _draw_flow(axes[2], kmers, styles)
    overall = table[table["class"].isin(shown)].groupby("statistic")["value"]
    if "flow_gap_max" in overall.groups:
        none, largest = overall.mean()["flow_gap_none"], overall.max()["flow_gap_max"]
        axes[2].set_title(f"{axes[2].get_title()}; bound tight in {none:.0%} of these, gap at most {largest:.1g}")
    of_all = layers[(layers["class"] == ALL_CLASSES) & (layers["token"] > 0)]
    _draw_classes(axes[3], kmers[kmers["statistic"] == "gradient_input"], 1, styles)
    agreement = table[table["class"] == ALL_CLASSES].set_index("statistic")["value"]
    said = [
        f"{name} {agreement[statistic]:.2f}" for statistic, name in MEASURES.items() if statistic in agreement.index
    ]
    axes[3].set_title(f"|gradient x input| of the predicted class\nSpearman with it: {', '.join(said)}")
    axes[3].set_ylabel("|gradient x input| (logit)")
    _draw_layers(figure, axes[4], of_all, n, start)
    for axis in axes[:4]:
        shade_domains(axis, domains)

    counts = table[table["statistic"] == "rollout"].groupby("class")["n"].max()
    handles = [axes[0].plot([], [], label=f"{name} (n = {counts[name]})", **styles[name])[0] for name in shown]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    note = note_missing(chosen, present)
    figure.suptitle(f"Attention rollout and flow along the gene, n = {counts[ALL_CLASSES]} distinct sequences{note}")
    return figure


def _draw_classes(axis: Axes, rows: pd.DataFrame, scale: float, styles: dict[str, dict]) -> None:
    for name, style in styles.items():
        points = rows[rows["class"] == name]
        axis.plot(points["token"], points["value"] * scale, color=style["color"], linewidth=0.8, alpha=0.85)


def _draw_flow(axis: Axes, rows: pd.DataFrame, styles: dict[str, dict]) -> None:
    """Mean bound over all classes as a line, and the exact flows of one sequence of each class as markers."""
    bounds = rows[(rows["statistic"] == "flow_bound") & (rows["class"] == ALL_CLASSES)]
    axis.plot(bounds["token"], bounds["value"], color=INK, linewidth=0.6)
    exact = rows[rows["statistic"] == "flow_exact"]
    for name, style in styles.items():
        points = exact[exact["class"] == name]
        axis.plot(points["token"], points["value"], linestyle="", **style)
    axis.set(title="Maximum flow: mean upper bound (line), exact for some (markers)", ylabel="flow")


def _draw_layers(figure: Figure, axis: Axes, rows: pd.DataFrame, n: int, start: str) -> None:
    """Rollout from the token `start` after each layer down to the input, all classes."""
    grid = rows.pivot_table(index="layer", columns="token", values="value") * n
    drawn = axis.pcolormesh(grid.columns, grid.index, grid, cmap=SEQUENTIAL, norm=LogNorm(), rasterized=True)
    axis.set(title=f"Rollout from {start} after each layer, all classes", ylabel="after layer", yticks=grid.index)
    axis.set_xlabel("k-mer along the gene (token)")
    axis.invert_yaxis()
    figure.colorbar(drawn, ax=axis, label="rollout x n", orientation="horizontal", aspect=60, pad=0.02)
