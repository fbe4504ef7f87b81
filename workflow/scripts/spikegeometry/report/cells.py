"""Statistics as lists that fit into a page: by head, layer after layer, and by layer."""

from typing import Any

import numpy as np
import pandas as pd

from spikegeometry.report.statistics import WEIGHTS, Statistic

NUMBERS = ("value", "low", "high", "n")


def select(table: pd.DataFrame, where: dict[str, str]) -> pd.DataFrame:
    """Rows of which each named column has the given text; a missing column has it nowhere."""
    chosen = np.full(len(table), True)
    for column, wanted in where.items():
        values = table[column] if column in table else pd.Series("-", index=table.index)
        empty = values.isna() | values.eq("")
        chosen &= (empty if wanted == "" else values.astype(str).eq(wanted)).to_numpy()
    return table[chosen]


def by_head(statistic: Statistic, table: pd.DataFrame, layers: int, heads: int) -> dict[str, Any] | None:
    """A statistic as one list for each of value, low, high and n, layer after layer; None where no row has it.

    Cells without a row, as of layers that the analysis left out, hold None.
    """
    rows = select(table, statistic.where)
    rows = rows[pd.to_numeric(rows["head"]).notna() & rows["value"].notna()]
    if rows.empty:
        return None
    cells = ((rows["layer"].astype(int) - 1) * heads + pd.to_numeric(rows["head"]).astype(int) - 1).to_numpy()
    described = _described(statistic)
    if statistic.category:
        described["categories"] = sorted(set(rows[statistic.category]))
        rows = rows.assign(category=rows[statistic.category].map(described["categories"].index))
    classes = rows["class"] if "class" in rows else pd.Series(WEIGHTS, index=rows.index)
    described["classes"] = {}
    for name in dict.fromkeys(classes):
        of_class = (classes == name).to_numpy()
        part, places = rows[of_class], cells[of_class]
        if statistic.category:
            # The most frequent entry of each head comes last, and stays.
            order = np.argsort(part["value"].to_numpy(), kind="stable")
            part, places = part.iloc[order], places[order]
        columns = [*(column for column in NUMBERS if column in part), *(["category"] if statistic.category else [])]
        described["classes"][name] = {
            column: placed(part[column].to_numpy(), places, layers * heads) for column in columns
        }
    return described


def by_layer(statistic: Statistic, table: pd.DataFrame) -> dict[str, Any] | None:
    """A statistic of layers as lists of layer, value, low, high and n for each class; None where no row has it."""
    rows = select(table, statistic.where)
    rows = rows[rows["layer"].notna() & rows["value"].notna()]
    if rows.empty:
        return None
    columns = ["layer", *(column for column in NUMBERS if column in rows)]
    of_classes = {
        name: {column: numbers(part[column].to_numpy()) for column in columns}
        for name, part in rows.sort_values("layer", kind="stable").groupby("class", sort=False)
    }
    return _described(statistic) | {"classes": of_classes}


def _described(statistic: Statistic) -> dict[str, Any]:
    names = ("key", "group", "title", "unit", "meaning", "analysis", "reference")
    return {name: getattr(statistic, name) for name in names}


def placed(values: np.ndarray, places: np.ndarray, size: int) -> list[float | None]:
    """A list of `size` numbers with `values` at `places`, else None."""
    filled = np.full(size, np.nan)
    filled[places] = values
    return numbers(filled)


def numbers(values: np.ndarray) -> list[float | int | None]:
    """Numbers for JSON: whole ones without a point, and None for what is missing."""
    return [
        None if not np.isfinite(value) else int(value) if float(value).is_integer() else float(value)
        for value in np.asarray(values, dtype=float)
    ]
