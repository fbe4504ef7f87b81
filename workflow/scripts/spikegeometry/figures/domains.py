"""Domains of the protein along the axis of the tokens."""

import pandas as pd
from matplotlib.axes import Axes


def shade_domains(axis: Axes, domains: pd.DataFrame) -> None:
    """Shade every other domain; `first` and `last` are its ends on the axis."""
    for domain in domains.iloc[::2].itertuples(index=False):
        axis.axvspan(domain.first, domain.last, color="#EEEEEE", linewidth=0, zorder=0)


def name_domains(axis: Axes, domains: pd.DataFrame, height: float = 1.02) -> None:
    """Write the domains' names upright, half-way from `first` to `last` and from `height` (1: the axes' top) up."""
    for domain in domains.itertuples(index=False):
        place = ((domain.first + domain.last) / 2, height)
        axis.text(*place, domain.name, transform=axis.get_xaxis_transform(), rotation=90, ha="center", size=8)
