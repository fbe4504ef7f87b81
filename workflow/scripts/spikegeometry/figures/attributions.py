"""Figure of which positions decide: attributions along the gene, and how often they hold defining mutations."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikegeometry.figures.domains import LETTER, MUTATION_SIZE, name_axis, shade_domains, with_room
from spikegeometry.figures.style import CYAN, GREY, INDIGO, LIME, RED, VIOLET, new_figure, note_missing

ALL_CLASSES = "all"
METHODS = {
    "gradients_reference": ("integrated gradients from the reference", INDIGO),
    "gradients_mask": ("integrated gradients from [MASK]", CYAN),
    "rollout": ("rollout from [CLS]", LIME),
    "attention": ("attention of [CLS], last layer", VIOLET),
}
ATTENTION_COLOUR = LIME
DEFINING_COLOUR = RED


def draw_attributions(
    table: pd.DataFrame,
    tokens: pd.DataFrame,
    mutations: pd.DataFrame,
    domains: pd.DataFrame,
    classes: list[str],
    chosen: list[str],
) -> Figure:
    """A track along the gene for each class, and below the precision of each method against chance.

    `table`: class, method, k, statistic, value, n, low, high; `tokens`: class, method, first_residue, last_residue,
    statistic (attribution, differs, defining), value; `mutations`: class, protein, first_residue, last_residue, of
    those that define the classes; `domains`: name, first, last (residues); `classes`: all classes
    of the run; `chosen`: those that were asked for.
    """
    present = set(tokens["class"])
    shown = [name for name in classes if name in present]
    tokens = tokens.assign(residue=(tokens["first_residue"] + tokens["last_residue"]) / 2)
    methods = [method for method in METHODS if method in set(tokens["method"])]
    track = 1.05
    figure, axis = new_figure(10, track * len(shown) + 5.2)
    axis.remove()
    above, below = figure.subfigures(2, 1, height_ratios=[track * len(shown) + 1.3, 3.9])
    axes = above.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    counts = table[table["statistic"] == "slots"].set_index("class")
    bars = tokens[(tokens["method"] == methods[0]) & (tokens["statistic"] == "attribution")]["value"]
    span = min(0.0, bars.min()), max(bars.max(), 1e-9)
    axes[0].set_xlim(0, tokens["last_residue"].max() + 1)
    for axis, name in zip(axes, shown, strict=True):
        _draw_track(axis, tokens[tokens["class"] == name], methods[0], span)
        _name_mutations(axis, tokens[tokens["class"] == name], mutations[mutations["class"] == name], methods[0], span)
        axis.set_ylabel(f"{name}\nn = {counts.loc[name, 'n']:.0f}", rotation=0, ha="right", va="center")
        shade_domains(axis, domains)
    name_axis(axes[0], domains)
    axes[-1].set_xlabel("residue of the protein (middle of the k-mer)")
    above.supylabel("part of the class's logit")
    handles = [
        axes[0].bar([0], [0], color=METHODS[methods[0]][1], label=METHODS[methods[0]][0]),
        axes[0].plot([], [], color=ATTENTION_COLOUR, label="rollout from [CLS] (height: its share of the largest)")[0],
        axes[0].plot([], [], "v", color=DEFINING_COLOUR, markersize=5, label="k-mer with a defining mutation")[0],
    ]
    above.legend(handles=handles, loc="outside lower center", ncols=3)
    note = note_missing(chosen, present, "no row for")
    total = counts.loc[ALL_CLASSES, "n"]
    figure.suptitle(f"Which positions decide on the class, n = {total:.0f} distinct sequences{note}")

    precision, by_class = below.subplots(1, 2, width_ratios=[1.25, 1])
    _draw_precision(precision, table[table["class"] == ALL_CLASSES], methods)
    _draw_classes(by_class, table[table["k"] == "R"], shown, methods)
    below.legend(*precision.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _draw_track(axis: Axes, rows: pd.DataFrame, method: str, span: tuple[float, float]) -> None:
    """Bars of the class mean of the attribution, a line of the rollout at its own scale, marks of defining k-mers.

    `span` is from the lowest to the highest bar of all classes.
    """
    values = rows.pivot_table(index="residue", columns=["method", "statistic"], values="value")
    bars = values[method, "attribution"]
    axis.bar(bars.index, bars, width=4.5, color=METHODS[method][1])
    low, high = span
    rollout = values["rollout", "attribution"]
    axis.plot(rollout.index, 0.9 * high * rollout / rollout.max(), color=ATTENTION_COLOUR, linewidth=0.8)
    defining = values.index[values[method, "defining"] > 0]
    axis.plot(defining, np.full(len(defining), 1.12 * high), "v", color=DEFINING_COLOUR, markersize=4, clip_on=False)
    axis.axhline(0, color=GREY, linewidth=0.5)
    axis.set_ylim(low - 0.05 * (high - low), 1.5 * high)
    axis.locator_params(axis="y", nbins=3)


def _name_mutations(
    axis: Axes, rows: pd.DataFrame, mutations: pd.DataFrame, method: str, span: tuple[float, float]
) -> None:
    """Write the names of the mutations whose k-mers speak most for the class, as many as have room."""
    values = rows[(rows["method"] == method) & (rows["statistic"] == "attribution")]
    strength = [
        values.loc[(values["first_residue"] <= last) & (values["last_residue"] >= first), "value"].max()
        for first, last in zip(mutations["first_residue"], mutations["last_residue"], strict=True)
    ]
    ranked = mutations.assign(value=strength, place=(mutations["first_residue"] + mutations["last_residue"]) / 2)
    ranked = ranked[ranked["value"] > 0].sort_values("value", ascending=False, kind="stable").drop_duplicates("protein")
    widths = [LETTER * MUTATION_SIZE * len(name) for name in ranked["protein"]]
    for one in ranked[with_room(axis, ranked["place"], widths)].itertuples():
        axis.text(one.place, 1.22 * span[1], one.protein, ha="center", va="bottom", size=MUTATION_SIZE)


def _draw_precision(axis: Axes, table: pd.DataFrame, methods: list[str]) -> None:
    """Precision by cutoff and method over all classes, with the two chances as lines."""
    values = table.set_index(["k", "method", "statistic"])
    cutoffs = list(dict.fromkeys(table.loc[table["statistic"] == "precision", "k"]))
    width = 0.8 / len(methods)
    for number, method in enumerate(methods):
        rows = [values.loc[(k, method, "precision")] for k in cutoffs]
        places = np.arange(len(cutoffs)) + (number - (len(methods) - 1) / 2) * width
        heights = np.array([row["value"] for row in rows])
        errors = np.abs([[row["value"] - row["low"], row["high"] - row["value"]] for row in rows]).T
        axis.bar(places, heights, 0.92 * width, color=METHODS[method][1], label=METHODS[method][0])
        axis.errorbar(places, heights, np.nan_to_num(errors), fmt="none", ecolor="black", elinewidth=0.9)
    for statistic, style, label in (
        ("chance", ":", "chance: any k-mers"),
        ("chance_differing", "-", "chance: k-mers that differ from the reference's first"),
    ):
        for place, k in enumerate(cutoffs):
            level = values.loc[(k, methods[0], statistic), "value"]
            axis.plot(
                [place - 0.45, place + 0.45], [level] * 2, style, color="black", label=label if not place else None
            )
    names = ["as many as\nhold one" if k == "R" else f"{k}" for k in cutoffs]
    axis.set_xticks(range(len(cutoffs)), names)
    axis.set(ylim=(0, 1.05), xlabel="k-mers with the largest values (k)", ylabel="share with a defining mutation")
    axis.set_title("Precision at k, all classes, with intervals over sequences")


def _draw_classes(axis: Axes, table: pd.DataFrame, shown: list[str], methods: list[str]) -> None:
    values = table.pivot_table(index="class", columns=["method", "statistic"], values="value").loc[shown]
    for method in methods:
        axis.plot(values[method, "precision"], range(len(shown)), "o", color=METHODS[method][1], markersize=6)
    for statistic, marker in (("chance", ":"), ("chance_differing", "-")):
        for row, level in enumerate(values[methods[0], statistic]):
            axis.plot([level] * 2, [row - 0.35, row + 0.35], marker, color="black")
    axis.set_yticks(range(len(shown)), shown)
    axis.invert_yaxis()
    axis.set(xlim=(-0.02, 1.02), xlabel="share with a defining mutation")
    axis.set_title("Each class, k: as many as hold one")
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
