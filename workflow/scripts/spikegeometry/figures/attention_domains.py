"""Figure of attention into the protein's domains: each domain by head, and all domains by class."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikegeometry.figures.style import DIVERGING, GREY, new_figure, note_missing

ALL_CLASSES = "all"
COLUMNS = 4
# Tests whose corrected p is under this are marked.
SIGNIFICANT = 0.05
VARIANTS = {"kmers": "attention of the k-mers", "cls": "attention of [CLS]"}


def draw_attention_domains(table: pd.DataFrame, domains: list[str], classes: list[str], chosen: list[str]) -> Figure:
    """log2 enrichment of each domain by layer and head over all classes, and by class averaged over heads.

    `table`: class, layer, head, variant, domain, statistic, value, n; `domains` in their order along the protein, with
    regions of several of them behind;
    `classes`: all classes of the run; `chosen`: those that were asked for.
    """
    domains = [name for name in domains if name in set(table["domain"])]
    everything = table[(table["class"] == ALL_CLASSES) & (table["variant"] == "kmers")]
    values = everything.pivot_table(index=["domain", "statistic"], columns=["layer", "head"], values="value")
    background = everything[everything["statistic"] == "background"].groupby("domain")["value"].mean()
    rows = -(-len(domains) // COLUMNS)
    mosaic = 0.9 + 0.15 * everything["layer"].nunique()
    by_class = 1.1 + 0.22 * (1 + table["class"].nunique())
    figure, axis = new_figure(10, rows * mosaic + 2 * by_class + 0.8)
    axis.remove()
    above, below = figure.subfigures(2, 1, height_ratios=[rows * mosaic + 0.3, 2 * by_class + 0.3])

    enrichment = values.xs("log2_enrichment", level="statistic").clip(lower=-10)
    limit = max(1.0, float(enrichment.abs().max(axis=None)))
    axes = above.subplots(rows, COLUMNS, squeeze=False)
    for place, axis in enumerate(axes.flat):
        if place >= len(domains):
            axis.axis("off")
            continue
        name = domains[place]
        drawn = _draw_heads(axis, enrichment.loc[name].unstack("head"), values.loc[name, "q_shift"], limit)
        _draw_largest(axis, values.loc[name, "share"].unstack("head").max(axis=1))
        axis.set_title(f"{name} ({background[name]:.1%})")
        axis.set_ylabel("layer" if place % COLUMNS == 0 else "")
        axis.set_xlabel("head" if place + COLUMNS >= len(domains) else "")
    above.colorbar(drawn, ax=axes, label="log2(share / share of the k-mers)", shrink=0.6)
    present = set(table["class"])
    note = note_missing(chosen, present)
    q = everything.loc[everything["statistic"] == "q_shift", "value"]
    figure.suptitle(
        f"Attention into protein domains, n = {everything['n'].max():.0f} distinct sequences{note}\n"
        f"{(q < SIGNIFICANT).sum()} of {len(q)} heads and domains enriched at q < {SIGNIFICANT} (dots)"
    )

    shown = [name for name in classes if name in present] + [ALL_CLASSES]
    for axis, (variant, title) in zip(below.subplots(2, 1), VARIANTS.items(), strict=True):
        drawn = _draw_classes(axis, table[table["variant"] == variant], domains, shown)
        axis.set_title(f"By class, mean over heads: {title}")
        below.colorbar(drawn, ax=axis, label="log2(share /\nshare of the k-mers)")
    return figure


def _draw_heads(axis: Axes, enrichment: pd.DataFrame, q: pd.Series, limit: float):
    """A cell for each head, by layer (rows) and head (columns), with a dot where the test is significant."""
    drawn = axis.imshow(enrichment, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto")
    significant = q.unstack("head") < SIGNIFICANT
    down, across = np.nonzero(significant.to_numpy())
    axis.plot(across, down, ".", color="black", markersize=5)
    for set_ticks, labels in ((axis.set_xticks, enrichment.columns), (axis.set_yticks, enrichment.index)):
        step = -(-len(labels) // 6)
        set_ticks(range(0, len(labels), step), labels[::step])
    return drawn


def _draw_largest(axis: Axes, shares: pd.Series) -> None:
    """Beside the cells, a bar for each layer: the largest share of a head, labelled with the largest of all."""
    beside = axis.inset_axes([1.03, 0, 0.2, 1])
    beside.barh(range(len(shares)), shares, color=GREY, height=0.8)
    beside.set(ylim=axis.get_ylim(), xlim=(0, max(float(shares.max()), 1e-9)), yticks=[])
    beside.set_xticks([float(shares.max())], [f"{shares.max():.0%}"])
    beside.tick_params(axis="x", length=0, labelsize=8)


def _draw_classes(axis: Axes, rows: pd.DataFrame, domains: list[str], shown: list[str]):
    """log2 of the mean share over heads against the background, by class (rows) and domain (columns)."""
    means = rows[rows["statistic"].isin(["share", "background"])].pivot_table(
        index="class", columns=["statistic", "domain"], values="value"
    )
    with np.errstate(divide="ignore"):
        enrichment = np.log2(means["share"] / means["background"]).reindex(index=shown, columns=domains)
    counts = rows[rows["statistic"] == "share"].groupby("class")["n"].max()
    limit = max(0.5, float(enrichment.replace([-np.inf], np.nan).abs().max(axis=None)))
    drawn = axis.imshow(enrichment, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto")
    for (down, across), value in np.ndenumerate(enrichment.to_numpy()):
        colour = "white" if abs(value) > 0.6 * limit else "black"
        axis.text(across, down, f"{value:+.1f}", ha="center", va="center", size=8, color=colour)
    axis.set_xticks(range(len(domains)), domains)
    axis.set_yticks(range(len(shown)), [f"{name} ({counts[name]:.0f})" for name in shown])
    return drawn
