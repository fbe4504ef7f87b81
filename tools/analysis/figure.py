"""Figure of new_analysis: the norm of k-mers by layer and class."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikegeometry.figures.style import class_colours, class_markers, new_figure, note_missing


def draw_new_analysis(table: pd.DataFrame, classes: list[str], chosen: list[str]) -> Figure:
    """A line for each class. `table`: class, layer, statistic, value, n, low, high.

    `classes`: all classes of the run, in the order of their colours; `chosen`: those that were asked for.
    """
    figure, axis = new_figure(6, 4)
    for name, rows in table.groupby("class"):
        style = {"color": class_colours(classes).get(name, "#222222"), "marker": class_markers(classes).get(name, "")}
        rows = rows.sort_values("layer")
        axis.plot(rows["layer"], rows["value"], label=f"{name} (n = {rows['n'].max():.0f})", **style)
        axis.fill_between(rows["layer"], rows["low"], rows["high"], color=style["color"], alpha=0.15, linewidth=0)
    axis.set(xlabel="layer (0: embeddings)", ylabel="mean norm", ylim=(0, None))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside lower center", ncols=4)
    count = table["n"].max()
    figure.suptitle(f"TITLE by layer, n = {count:.0f} distinct sequences{note_missing(chosen, table['class'])}")
    return figure
