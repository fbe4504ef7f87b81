"""Names along the axis of a protein: its domains, and the mutations that define classes."""

import pandas as pd
from matplotlib.axes import Axes

SIZE, MUTATION_SIZE = 8, 7
# Points between the axes and names, and between two rows of names.
GAP = 4
# How the names of mutations end that the protein does not show.
SILENT = " silent"
# Width of a letter and height of a line, as parts of the size.
LETTER, LINE = 0.62, 1.35


def shade_domains(axis: Axes, domains: pd.DataFrame) -> None:
    """Shade every other domain; `first` and `last` are its ends on the axis."""
    for domain in domains.iloc[::2].itertuples(index=False):
        axis.axvspan(domain.first, domain.last, color="#EEEEEE", linewidth=0, zorder=0)


def name_axis(axis: Axes, domains: pd.DataFrame, mutations: pd.DataFrame | None = None) -> float:
    """Write above the axes the names of mutations, as many as have room, and above these those of the domains.

    `domains`: name, first, last (on the axis); `mutations`: class, name, first, last. Those that define most classes
    come first, and those that leave the protein as it is are left out. The limits of the axis must be set. Returns the
    points above the axes that the names take.
    """
    height = float(GAP)
    if mutations is not None and len(mutations):
        places = mutations.drop_duplicates(["class", "name"]).assign(at=_middles(mutations))
        places = places[~places["name"].str.endswith(SILENT)]
        counted = places.groupby(["name", "at"], sort=False).size().rename("classes").reset_index()
        ranked = counted.sort_values(["classes", "at"], ascending=[False, True], kind="stable")
        inside = ranked[ranked["at"].between(*sorted(axis.get_xlim()))]
        shown = inside[with_room(axis, inside["at"], [LINE * MUTATION_SIZE] * len(inside))]
        height = _write(axis, shown["name"], shown["at"], height, MUTATION_SIZE)
    return _write(axis, domains["name"], _middles(domains), height, SIZE) if len(domains) else height


def with_room(axis: Axes, places: pd.Series, widths: list[float]) -> list[bool]:
    """Which names have room on the axis, the first ones first: `widths` are in points."""
    low, high = axis.get_xlim()
    unit = axis.get_window_extent().width * 72 / axis.figure.dpi / abs(high - low)
    taken: list[tuple[float, float]] = []
    free = []
    for place, width in zip(places, widths, strict=True):
        free.append(all(abs(place - other) * unit > (width + one) / 2 for other, one in taken))
        if free[-1]:
            taken.append((place, width))
    return free


def _middles(table: pd.DataFrame) -> pd.Series:
    return (table["first"] + table["last"]) / 2


def _write(axis: Axes, names: pd.Series, places: pd.Series, above: float, size: float) -> float:
    """Write names upright from `above` points over the axes; returns where the longest ends, and a gap."""
    for name, place in zip(names, places, strict=True):
        at = {"xycoords": axis.get_xaxis_transform(), "xytext": (0, above), "textcoords": "offset points"}
        axis.annotate(name, (place, 1), **at, rotation=90, ha="center", va="bottom", size=size)
    return above + LETTER * size * max(map(len, names), default=0) + GAP
