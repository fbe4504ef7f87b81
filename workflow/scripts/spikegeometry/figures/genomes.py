"""Figure of a cohort: what was accepted and why the rest was not, lengths and gaps."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import (
    BLUE,
    CYAN,
    GREEN,
    INDIGO,
    LIME,
    OLIVE,
    OTHER_COLOUR,
    RED,
    VIOLET,
    WINE,
    class_colours,
    new_figure,
)

ACCEPTED_COLOUR = CYAN
REASON_COLOURS = (RED, INDIGO, LIME, WINE, BLUE, OLIVE, VIOLET, GREEN)
# Not a record that was read, but a name without one.
MISSING = "missing_sequence"
NO_CLASS = "(no class)"


def draw_cohort(accepted: pd.DataFrame, counts: pd.DataFrame, classes: list[str], cohort: str) -> Figure:
    """Records by class and outcome, and length and share of uncertain bases of the accepted genomes.

    Parameters
    ----------
    accepted: columns class, length (bases), n_fraction.
    counts: columns class, outcome (`accepted` or the reason against), n.
    classes: the run's classes, in the order of the rows; others follow.
    cohort: what the title calls the genomes.
    """
    table = counts.assign(**{"class": counts["class"].replace("", NO_CLASS)})
    table = table.pivot(index="class", columns="outcome", values="n").fillna(0).astype(int)
    rows = [*classes, *sorted(set(table.index) - set(classes))]
    table = table.reindex(rows, fill_value=0)

    figure, (outcomes, lengths, gaps) = new_figure(
        10, 2.1 + 0.32 * len(rows), columns=3, sharey=True, gridspec_kw={"width_ratios": [1.4, 1, 1]}
    )
    _draw_outcomes(outcomes, table)
    _draw_boxes(lengths, accepted, "length", rows)
    lengths.set(xlabel="Length (bases)", title="Accepted: length")
    lengths.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    lengths.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    _draw_boxes(gaps, accepted, "n_fraction", rows)
    gaps.set(xlabel="Bases other than A, C, G, T (%)", title="Accepted: uncertain bases")
    most = gaps.get_xlim()[1]
    gaps.set_xlim(-0.03 * most, most)
    gaps.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g}")
    outcomes.set_yticks(range(len(rows)), rows)
    outcomes.invert_yaxis()
    read = table.drop(columns=MISSING, errors="ignore").to_numpy().sum()
    figure.suptitle(f"Genomes of {cohort}: {len(accepted):,} of {read:,} records accepted", fontsize=11)
    figure.legend(*outcomes.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    return figure


def _draw_outcomes(axes: Axes, table: pd.DataFrame) -> None:
    reasons = sorted(set(table.columns) - {"accepted", MISSING})
    colours = {"accepted": ACCEPTED_COLOUR}
    colours |= {reason: REASON_COLOURS[i % len(REASON_COLOURS)] for i, reason in enumerate(reasons)}
    colours[MISSING] = OTHER_COLOUR
    left = pd.Series(0, index=table.index)
    for outcome, colour in colours.items():
        if outcome in table:
            label = outcome.replace("_", " ")
            axes.barh(range(len(table)), table[outcome], left=left, color=colour, height=0.7, label=label)
            left += table[outcome]
    for row, total in enumerate(left):
        axes.text(total, row, f" {total:,}", va="center", fontsize=8)
    axes.set(xlabel="Records", title="Records by outcome", xlim=(0, 1.15 * left.max()))


def _draw_boxes(axes: Axes, accepted: pd.DataFrame, column: str, rows: list[str]) -> None:
    """Quartiles as a box, the whole range as whiskers, for each class that has genomes."""
    colours = class_colours(rows)
    for row, name in enumerate(rows):
        values = accepted.loc[accepted["class"] == name, column]
        if len(values):
            axes.boxplot(
                values,
                positions=[row],
                orientation="horizontal",
                widths=0.6,
                whis=(0, 100),
                patch_artist=True,
                manage_ticks=False,
                boxprops={"facecolor": colours[name], "alpha": 0.7},
                medianprops={"color": "black"},
            )
