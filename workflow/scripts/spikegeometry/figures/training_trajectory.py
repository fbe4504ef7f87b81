"""Figure of the geometry while it is learnt: curves by layer along both trainings, and when each is half-way."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from spikegeometry.figures.style import CYAN, GREEN, GREY, INDIGO, INK, RED, SEQUENTIAL, VIOLET, new_figure, reach

PHASES = {"pretrain": "Pre-training", "finetune": "Fine-tuning"}
# Of the whole network, or of its last layer: statistic, site, words, colour, marker, whether the last layer's alone.
LEARNT = [
    ("token_accuracy", "", "hidden k-mers read", INDIGO, "o", False),
    ("accuracy", "classifier", "classes called", RED, "s", False),
    ("probe", "cls", "probe of [CLS]", CYAN, "^", True),
    ("probe", "kmers", "probe of k-mers", VIOLET, "v", True),
    ("final_role", "", "heads in last role", GREEN, "D", False),
]
# By layer: statistic, site, title, axis label, and what the axis shows at least.
BY_LAYER = [
    ("R", "", "Cone of the tokens", "R, 0 to 1", (0, 0.5)),
    ("silhouette", "cls", "[CLS] by class", "silhouette", (-0.1, 0.5)),
    ("H_norm", "", "Attention among k-mers", "entropy, of ln n", (0.5, 1.03)),
    ("symmetry", "", "Query-key forms", "symmetry", (-0.1, 0.1)),
]
# What is asked when it is half-way.
ORDER = [
    ("loss", "classifier", "classifier's loss", False),
    ("accuracy", "classifier", "classes called", False),
    ("token_accuracy", "", "hidden k-mers read", False),
    ("silhouette", "cls", "[CLS] by class", True),
    ("silhouette", "kmers", "k-mers by class", True),
    ("R", "", "cone of the tokens", True),
    ("norm", "", "norm of the tokens", True),
    ("H_norm", "", "entropy of attention", True),
    ("sink", "", "attention to [CLS], [SEP]", True),
    ("symmetry", "", "symmetry of forms", True),
    ("effective_rank", "", "rank of forms", True),
]
TICKS = np.array([0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 100_000, 1_000_000])


def draw_training_trajectory(table: pd.DataFrame, changes: pd.DataFrame, seeds: list[pd.DataFrame]) -> Figure:
    """A column for each phase: losses, what is learnt, curves by layer, and the order of changes.

    `table`: phase, step, kept, site, layer, role, statistic, value, n; `changes`: phase, statistic, site, layer,
    half_way, low, high, n; `seeds`: as `table`, of networks that were fine-tuned from other seeds.
    """
    table, changes = (one.assign(site=one["site"].fillna("")) for one in (table, changes))
    seeds = [one.assign(site=one["site"].fillna("")) for one in seeds]
    layers = int(table["layer"].max())
    # Of the embeddings too.
    colours = [mpl.colormaps[SEQUENTIAL](share) for share in np.linspace(0, 0.92, layers + 1)]
    rows = 3 + len(BY_LAYER)
    heights = {"height_ratios": [1] * (rows - 1) + [1.6]}
    figure, axes = new_figure(10, 1.9 * rows, rows, 2, sharey="row", gridspec_kw=heights)
    for (phase, title), column in zip(PHASES.items(), axes.T, strict=True):
        own = table[table["phase"] == phase]
        bands = [one[one["phase"] == phase] for one in [table, *seeds]] if seeds else []
        kept = own.loc[own["kept"], "step"].iloc[0]
        count = own["step"][own["statistic"] == "R"].nunique()
        _draw_losses(column[0], own)
        column[0].set_title(f"{title}, n = {count} snapshots\n{column[0].get_title()}")
        _draw_learnt(column[1], own, layers)
        for axis, (statistic, site, words, label, _) in zip(column[2:-1], BY_LAYER, strict=True):
            for layer in range(layers + 1):
                _draw_line(axis, own, (statistic, site, layer), {"color": colours[layer]}, bands)
            axis.set(title=words, ylabel=label)
        _draw_order(column[-1], changes[changes["phase"] == phase], layers)
        for axis in column:
            _step_axis(axis, own["step"].max())
            axis.axvline(kept, color=GREY, linestyle=":", linewidth=1)
            # Of a row the first axis has the label.
            axis.label_outer(remove_inner_ticks=False)
        column[-1].set_xlabel("step")
    for axis, (*_, least) in zip(axes[2:-1, 0], BY_LAYER, strict=True):
        reach(axis, *least)
    for axis in axes[:2, 1]:
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False)
    shown = range(0, layers + 1, max(1, (layers + 1) // 7))
    handles = [
        Line2D([], [], color=colours[layer], label=f"layer {layer}" if layer else "embeddings") for layer in shown
    ]
    handles.append(Line2D([], [], color=GREY, linestyle=":", label="the model that was kept"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    n = int(table.loc[(table["statistic"] == "R"), "n"].max())
    told = f"; bands: {1 + len(seeds)} seeds of fine-tuning" if seeds else ""
    figure.suptitle(f"Geometry while it is learnt, n = {n} sequences at each step{told}")
    return figure


def _of(table: pd.DataFrame, statistic: str, site: str, layer: int | None) -> pd.DataFrame:
    rows = table[(table["statistic"] == statistic) & (table["site"] == site)]
    return rows[rows["layer"].isna() if layer is None else rows["layer"] == layer].sort_values("step")


def _draw_line(axis: Axes, table: pd.DataFrame, place: tuple, style: dict, bands: list[pd.DataFrame]) -> None:
    rows = _of(table, *place)
    axis.plot(rows["step"], rows["value"], **{"marker": ".", "markersize": 4, "linewidth": 1.2} | style)
    if bands:
        values = pd.concat([_of(one, *place).set_index("step")["value"] for one in bands], axis=1).dropna()
        axis.fill_between(
            values.index, values.min(axis=1), values.max(axis=1), color=style["color"], alpha=0.25, linewidth=0
        )


def _draw_losses(axis: Axes, table: pd.DataFrame) -> None:
    for site, colour, marker in (("train", CYAN, ""), ("validation", INDIGO, "o")):
        rows = _of(table, "loss", site, None)
        axis.plot(rows["step"], rows["value"], color=colour, marker=marker, markersize=3, label=site)
    axis.set(title="Loss", ylabel="cross-entropy, nats")


def _draw_learnt(axis: Axes, table: pd.DataFrame, layers: int) -> None:
    for statistic, site, words, colour, marker, last in LEARNT:
        rows = _of(table, statistic, site, layers if last else None)
        if statistic == "final_role":
            rows = table[table["statistic"] == statistic].groupby("step", as_index=False)["value"].mean()
        if len(rows):
            axis.plot(
                rows["step"], rows["value"], color=colour, marker=marker, markersize=3, linewidth=1.2, label=words
            )
    axis.set(title="What is learnt", ylabel="share", ylim=(-0.03, 1.03))


def _draw_order(axis: Axes, changes: pd.DataFrame, layers: int) -> None:
    """Both phases have the same rows, of which one can lack some."""
    for place, (statistic, site, _, last) in enumerate(ORDER):
        rows = _of(changes.assign(step=0), statistic, site, layers if last else None)
        for row in rows[rows["half_way"].notna()].itertuples():
            low, high = (
                abs(row.half_way - (row.half_way if np.isnan(bound) else bound)) for bound in (row.low, row.high)
            )
            axis.errorbar(row.half_way, place, xerr=[[low], [high]], color=INK, marker="o", markersize=4, capsize=2)
    axis.set_yticks(range(len(ORDER)), [f"{words}{', last layer' if last else ''}" for _, _, words, last in ORDER])
    axis.set_ylim(len(ORDER) - 0.5, -0.5)
    axis.set_title(f"Half of the change, n = {changes['n'].max():.0f} classes")


def _step_axis(axis: Axes, last: float) -> None:
    axis.set_xscale("function", functions=(np.log1p, np.expm1))
    axis.set_xlim(-0.15, last * 1.1 + 0.2)
    axis.xaxis.set_major_locator(FixedLocator(TICKS[last >= TICKS]))
    axis.xaxis.set_minor_locator(NullLocator())
