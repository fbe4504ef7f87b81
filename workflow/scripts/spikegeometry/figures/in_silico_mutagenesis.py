"""Figure of substitutions: heat maps of residues and amino acids, and what of them defines the classes."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spikegeometry.figures.amino_acids import AMINO_ACIDS, SIDE_CHAINS
from spikegeometry.figures.domains import LINE, SIZE, name_axis, with_room
from spikegeometry.figures.style import DIVERGING, GREY, INK, class_styles, model_look, model_style, new_figure

REFERENCE = "reference"
WANTED = "R"
# Of the changes, the share that the scale of colours holds; it is linear below a change that is hardly one.
SHOWN, LINEAR = 0.99, 0.1
# What a map has no value for.
NOTHING = "#D9D9D9"
# The interval of a null.
NULL = {"color": GREY, "linewidth": 6, "alpha": 0.4, "solid_capstyle": "butt"}
# Panels of precision: what is ranked, among what, in words.
PANELS = {
    ("rise", "all"): "substitutions of the reference,\nby the rise of the class",
    ("rise", "readable"): "the same, only k-mers\nthat the network knows",
    ("fall", "residues"): "residues of a sequence of the\nclass, by the fall of the class",
}


def draw_in_silico_mutagenesis(
    table: pd.DataFrame,
    scores: pd.DataFrame,
    residues: pd.DataFrame,
    correlations: pd.DataFrame,
    domains: pd.DataFrame,
    classes: list[str],
    untrained: pd.DataFrame | None,
) -> Figure:
    """Two maps of the reference, of the classifier and of the masked model, and below precision beside chance.

    `table`: class, ranked_by, among, k, value, n, wanted, chance, chance_low, chance_high; `scores`: sequence, residue,
    own, amino_acid, defines, masked, change_CLASS; `residues`: sequence, residue, left_out; `correlations`: score,
    value, low, high, null_low, null_high, substitutions, n, without rows where nothing was measured; `domains`: name,
    first, last (residues); `classes`: all of the run; `untrained`: as `table`, of the untrained network, or None.
    """
    reference = scores[scores["sequence"] == REFERENCE]
    if reference.empty:
        figure, axis = new_figure(10, 1.5)
        axis.set_axis_off()
        figure.suptitle("Substitutions: 0 residues of the reference can be substituted, so that none is drawn")
        return figure
    figure, axis = new_figure(10, 10.4)
    axis.remove()
    above, below = figure.subfigures(2, 1, height_ratios=[7, 3.4])
    shown = _draw_maps(above, reference, domains, classes)
    panels = [key for key in PANELS if _panel(table, key).size]
    axes = below.subplots(1, len(panels) + (1 if len(correlations) else 0) or 1, squeeze=False)[0]
    for axis, key in zip(axes, panels, strict=False):
        _draw_precision(axis, _panel(table, key), None if untrained is None else _panel(untrained, key), classes)
        axis.set_title(PANELS[key], size=8)
    if panels:
        axes[0].set_ylabel("precision: share of the first R that\ndefine the class (R: as many as do)")
        _explain(below, untrained is not None)
    elif not len(correlations):
        axes[0].set_axis_off()
        axes[0].set_title("No substitution that was made defines a class")
    if len(correlations):
        _draw_correlations(axes[-1], correlations)
    made = scores[scores["amino_acid"] != scores["own"]]
    # A column without any text is read as one of missing numbers.
    left_out = int((residues["left_out"].fillna("") != "").sum())
    sequences = made["sequence"].nunique()
    figure.suptitle(
        f"What each substitution does, n = {len(made)} substitutions in {sequences} sequence{'s' * (sequences > 1)}"
        + (f" ({left_out} residues left out)" if left_out else "")
        + f"\nabove: the reference, {len(shown)} residues in order"
    )
    return figure


def _panel(table: pd.DataFrame, key: tuple[str, str]) -> pd.DataFrame:
    ranked_by, among = key
    chosen = (table["ranked_by"] == ranked_by) & (table["among"] == among) & (table["k"] == WANTED)
    return table[chosen].set_index("class")


def _grids(reference: pd.DataFrame, classes: list[str]) -> tuple[list[int], np.ndarray, np.ndarray]:
    """The residues, and the largest rise of a class and the masked model's change: (amino acids, residues)."""
    largest = reference[[f"change_{name}" for name in classes]].max(axis=1)
    rows = reference.assign(largest=largest)
    shown = sorted(rows["residue"].unique())
    grids = [
        rows.pivot(index="amino_acid", columns="residue", values=name).reindex(list(AMINO_ACIDS))[shown].to_numpy(float)
        for name in ("largest", "masked")
    ]
    return shown, *grids


def _draw_maps(figure, reference: pd.DataFrame, domains: pd.DataFrame, classes: list[str]) -> list[int]:
    """The map of the classifier above that of the masked model, at one scale of colours."""
    shown, largest, masked = _grids(reference, classes)
    column = {residue: number for number, residue in enumerate(shown)}
    values = np.abs(np.concatenate([largest.ravel(), masked.ravel()]))
    limit = max(np.nanquantile(values, SHOWN), LINEAR)
    scale = SymLogNorm(LINEAR, vmin=-limit, vmax=limit)
    axes = figure.subplots(2, 1, sharex=True)
    titles = ("classifier: largest rise of a class", "masked model: the new k-mers")
    for axis, grid, title in zip(axes, (largest, masked), titles, strict=True):
        axis.set_facecolor(NOTHING)
        drawn = axis.imshow(np.ma.masked_invalid(grid), cmap=DIVERGING, norm=scale, aspect="auto")
        own = reference.drop_duplicates("residue")
        size = min(9.0, 330 / len(shown))
        axis.plot(
            own["residue"].map(column),
            [AMINO_ACIDS.index(acid) for acid in own["own"]],
            ".",
            color=INK,
            markersize=size,
        )
        defining = reference[reference["defines"] != ""]
        axis.plot(
            defining["residue"].map(column),
            [AMINO_ACIDS.index(acid) for acid in defining["amino_acid"]],
            "s",
            markerfacecolor="none",
            markeredgecolor=INK,
            markeredgewidth=0.8,
            markersize=1.6 * size,
        )
        _name_amino_acids(axis)
        axis.set_ylabel(f"{title}\namino acid")
    axes[0].set_xlim(-0.5, len(shown) - 0.5)
    every = max(1, len(shown) // 24)
    axes[1].set_xticks(range(0, len(shown), every), [str(residue) for residue in shown[::every]], rotation=90, size=7)
    axes[1].set_xlabel("residue of the protein, those that were substituted alone")
    names = [
        (name, f"{row.own}{row.residue}{row.amino_acid}", column[row.residue], column[row.residue])
        for row in defining.itertuples()
        for name in row.defines.split(";")
    ]
    parts = _on_columns(domains, shown)
    parts = parts[with_room(axes[0], (parts["first"] + parts["last"]) / 2, [LINE * SIZE] * len(parts))]
    name_axis(axes[0], parts, pd.DataFrame(names, columns=["class", "name", "first", "last"]))
    figure.colorbar(
        drawn,
        ax=list(axes),
        label="change of the natural logarithm\nof the probability (grey: no k-mer that is known)",
        extend="both",
        aspect=35,
        pad=0.01,
    )
    handles = [
        Line2D([], [], color=INK, marker=".", linestyle="", label="the reference's own residue"),
        Line2D([], [], color=INK, marker="s", markerfacecolor="none", linestyle="", label="defines a class"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return shown


def _name_amino_acids(axis: Axes) -> None:
    axis.set_yticks(range(len(AMINO_ACIDS)), list(AMINO_ACIDS), size=7)
    border = -0.5
    for group in list(SIDE_CHAINS.values())[:-1]:
        border += len(group)
        axis.axhline(border, color="white", linewidth=1.5)


def _on_columns(domains: pd.DataFrame, shown: list[int]) -> pd.DataFrame:
    """The domains that hold some of the residues, with their ends on an axis of these."""
    place = np.asarray(shown)
    rows = []
    for domain in domains.itertuples(index=False):
        inside = np.flatnonzero((place >= domain.first) & (place <= domain.last))
        if len(inside):
            rows.append((domain.name, inside[0], inside[-1]))
    return pd.DataFrame(rows, columns=["name", "first", "last"])


def _draw_precision(axis: Axes, rows: pd.DataFrame, untrained: pd.DataFrame | None, classes: list[str]) -> None:
    """A row for each class: its precision, the interval of random draws, and the untrained network's."""
    present = [name for name in classes if name in rows.index]
    styles = class_styles(classes, 6)
    for place, name in enumerate(present):
        row = rows.loc[name]
        axis.plot([place] * 2, [row["chance_low"], row["chance_high"]], **NULL)
        axis.plot(place, row["chance"], "_", color=GREY, markersize=9)
        if untrained is not None and name in untrained.index:
            axis.plot(place, untrained.loc[name, "value"], linestyle="", fillstyle="none", **model_style("random"))
        axis.plot(place, row["value"], linestyle="", **styles[name])
    labels = [f"{name} ({rows.loc[name, 'wanted']:.0f} of {rows.loc[name, 'n']:.0f})" for name in present]
    axis.set_xticks(range(len(present)), labels, rotation=60, ha="right", rotation_mode="anchor", size=7)
    axis.set_ylim(-0.05, 1.05)
    axis.set_xlim(-0.6, len(present) - 0.4)


def _explain(figure, untrained: bool) -> None:
    handles = [
        Line2D([], [], color=INK, marker="o", linestyle="", label="this network, by class"),
        Line2D([], [], label="random draws among the same", **NULL),
    ]
    if untrained:
        label = f"{model_look('random').name} network"
        handles.append(Line2D([], [], linestyle="", fillstyle="none", label=label, **model_style("random")))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _draw_correlations(axis: Axes, rows: pd.DataFrame) -> None:
    """A row for each score: its correlation with the measured values, and the null by position."""
    for place, row in enumerate(rows.itertuples()):
        axis.plot([row.null_low, row.null_high], [place] * 2, **NULL)
        axis.plot([row.low, row.high], [place] * 2, color=INK, linewidth=1)
        axis.plot(row.value, place, "o", color=INK, markersize=4)
    axis.axvline(0, color=GREY, linewidth=0.8)
    names = [score.removeprefix("change_") for score in rows["score"]]
    axis.set_yticks(range(len(names)), names, size=7)
    axis.invert_yaxis()
    axis.set(xlim=(-1, 1), xticks=[-1, -0.5, 0, 0.5, 1], xlabel="Spearman's correlation")
    axis.set_title(
        f"measured values: {rows['substitutions'].max()} substitutions\nof {rows['n'].max()} residues (grey: permuted)",
        size=8,
    )
