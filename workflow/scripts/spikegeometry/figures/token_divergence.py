"""Figure of the tokens that differ from the reference's: how many, where, why, and what a classifier makes of them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikegeometry.figures.domains import name_axis, shade_domains
from spikegeometry.figures.style import (
    GREY,
    INDIGO,
    INK,
    LIME,
    OLIVE,
    RED,
    SEQUENTIAL,
    legend_below,
    new_figure,
    note_missing,
)

ALL_CLASSES, OTHER, RUN = "all", "other", "run"
FORMS = ("native", "projected")
# Parts of the differing tokens, their names and colours.
PARTS = {
    "shift_only": ("shifted, nothing else", LIME),
    "shifted_and_changed": ("shifted, and mutated", OLIVE),
    "indel": ("on an indel", RED),
    "substituted": ("substituted, in its place", INDIGO),
}
# Inches of the rows of the figure where it shows eight classes, and what each further class adds.
HEIGHTS, CLASSES, MORE = (4.3, 2.1, 2.1, 3.0), 8, (0.28, 0.14, 0.14, 0)
VERSIONS = {
    "as_is": ("whole sequences", "o", INK),
    "indels_only": ("indels only", "^", RED),
    "substitutions_only": ("substitutions only", "s", INDIGO),
}


def draw_token_divergence(
    table: pd.DataFrame,
    sequences: pd.DataFrame,
    slots: pd.DataFrame,
    domains: pd.DataFrame,
    mutations: pd.DataFrame,
    classes: list[str],
    chosen: list[str],
) -> Figure:
    """Differing tokens of each class by cause, accuracy by what is left to see, and both along the gene.

    `table`: medians and accuracies by class, set, coordinates and version; `sequences`: counts of single sequences;
    `slots`: share of differing tokens of each class and information about the class, by token; `domains`,
    `mutations`: name, first, last (in tokens), and class; `classes`: all classes of the run, of which `chosen` were
    asked for.
    """
    present = set(sequences.loc[sequences["set"] == RUN, "class"])
    shown = [name for name in classes if name in present]
    further = max(len(shown) - CLASSES, 0)
    heights = [height + further * more for height, more in zip(HEIGHTS, MORE, strict=True)]
    figure, axes = new_figure(10, sum(heights), 4, 2, gridspec_kw={"height_ratios": heights})
    grid = axes[0, 0].get_gridspec()
    for axis in axes[1:].flat:
        axis.remove()
    native, projected, information = (figure.add_subplot(grid[row, :]) for row in (1, 2, 3))

    _draw_causes(axes[0, 0], table, sequences[sequences["set"] == RUN], shown)
    _draw_accuracy(axes[0, 1], table[(table["statistic"] == "accuracy") & (table["class"] == ALL_CLASSES)], classes)
    shares = slots[(slots["statistic"] == "differing") & (slots["set"] == RUN)]
    for axis, form in ((native, "native"), (projected, "projected")):
        image = _draw_slots(axis, shares[shares["coordinates"] == form], shown)
        axis.set_title(f"Share of the sequences whose {form} token differs from the reference's")
    figure.colorbar(image, ax=[native, projected], label="share of sequences", pad=0.01)
    _draw_information(information, slots, domains, mutations, len(classes))

    note = note_missing(chosen, present)
    n = sequences.loc[sequences["set"] == RUN, "input"].nunique()
    figure.suptitle(f"Tokens that differ from the reference's, n = {n:,} distinct sequences{note}")
    return figure


def _draw_causes(axis: Axes, table: pd.DataFrame, sequences: pd.DataFrame, shown: list[str]) -> None:
    """Mean number of differing tokens by cause as bars, and their median as a number; two bars a class."""
    counts = sequences.assign(shifted_and_changed=sequences["shifted"] - sequences["shift_only"])
    means = (
        counts.drop_duplicates(["class", "coordinates", "input"]).groupby(["class", "coordinates"])[list(PARTS)].mean()
    )
    medians = table[(table["statistic"] == "differing") & (table["set"] == RUN)].set_index(["class", "coordinates"])
    labels = []
    for row, (name, form) in enumerate((name, form) for name in shown for form in FORMS):
        place = row + 0.3 * (row // 2)
        left = 0.0
        for part, (_, colour) in PARTS.items():
            axis.barh(place, means.loc[(name, form), part], left=left, color=colour, height=0.9)
            left += means.loc[(name, form), part]
        axis.text(left + 4, place, f"{medians.loc[(name, form), 'value']:g}", va="center", fontsize=8)
        labels.append((place, f"{name}  {form}" if form == "native" else form))
    for label, colour in PARTS.values():
        axis.barh(0, 0, color=colour, label=label)
    axis.set_yticks(*zip(*labels, strict=True))
    axis.invert_yaxis()
    slots = medians["value"].max()
    axis.set(xlabel="differing tokens: mean by cause; number: median", xlim=(0, 1.12 * max(slots, 1)))
    axis.set_title("Differing tokens and why they differ")
    legend_below(axis, 0.4, ncols=2)


def _draw_accuracy(axis: Axes, rows: pd.DataFrame, classes: list[str]) -> None:
    """Accuracy on each version, with intervals: a group for each form trained on and set."""
    groups = list(dict.fromkeys(zip(rows["set"], rows["coordinates"], strict=True)))
    found = rows.set_index(["set", "coordinates", "version"])
    for offset, (version, (label, marker, colour)) in zip((-0.2, 0, 0.2), VERSIONS.items(), strict=True):
        values = found.loc[[(*group, version) for group in groups]]
        place = np.arange(len(groups)) + offset
        errors = [values["value"] - values["low"], values["high"] - values["value"]]
        axis.errorbar(values["value"], place, xerr=errors, fmt=marker, color=colour, label=label)
    axis.axvline(1 / len(classes), color=GREY, linestyle=":", label="chance")
    counts = found["n"].groupby(level=[0, 1], sort=False).first()
    axis.set_yticks(range(len(groups)), [f"{form}\n{name} ({counts[name, form]})" for name, form in groups])
    axis.invert_yaxis()
    axis.set(xlabel="accuracy", xlim=(-0.03, 1.03))
    axis.set_title("A classifier trained on whole sequences, shown:")
    legend_below(axis, 0.4, ncols=2)


def _draw_slots(axis: Axes, shares: pd.DataFrame, shown: list[str]):
    matrix = shares.pivot_table(index="class", columns="token", values="value", dropna=False).loc[shown]
    image = axis.imshow(
        matrix,
        aspect="auto",
        interpolation="nearest",
        vmin=0,
        vmax=1,
        cmap=SEQUENTIAL,
        extent=(0.5, matrix.columns.max() + 0.5, len(shown) - 0.5, -0.5),
    )
    axis.set_yticks(range(len(shown)), shown)
    axis.set_xlabel("token (1 is the first k-mer of the gene)")
    return image


def _draw_information(
    axis: Axes, slots: pd.DataFrame, domains: pd.DataFrame, mutations: pd.DataFrame, classes: int
) -> None:
    rows = slots[slots["statistic"].isin(["information", "information_chance"])]
    tokens = rows.groupby(["coordinates", "version", "statistic"])
    lines = {
        ("native", "as_is"): ("native, whole", INK, "-"),
        ("native", "indels_only"): ("native, indels only", RED, "--"),
        ("projected", "as_is"): ("projected, whole", INDIGO, "-"),
    }
    for place, (label, colour, line) in lines.items():
        measured, chance = (tokens.get_group((*place, name)) for name in ("information", "information_chance"))
        mean = measured["value"].mean() - chance["value"].mean()
        axis.plot(
            measured["token"], measured["value"], line, color=colour, linewidth=1, label=f"{label} (mean {mean:.2f})"
        )
        axis.plot(chance["token"], chance["value"], ":", color=colour, linewidth=0.7)
    axis.plot([], [], ":", color=GREY, label="with shuffled labels")
    axis.set(xlabel="token", ylabel="bits", ylim=(0, 1.05 * np.log2(classes)), xlim=(0.5, rows["token"].max() + 0.5))
    last = rows["token"].max()
    domains = domains[domains["first"] < last].assign(last=domains["last"].clip(upper=last))
    shade_domains(axis, domains)
    n = rows["n"].max()
    axis.set_title(
        f"What one token alone tells of the class, n = {n:,} training sequences; mean less that of shuffled labels",
        pad=name_axis(axis, domains, mutations),
    )
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=4)
