"""Statistics as lists that fit into a page: by head, layer after layer, and by layer."""

from typing import Any

import numpy as np
import pandas as pd

from spikegeometry.report.statistics import WEIGHTS, Statistic

NUMBERS = ("value", "low", "high", "n")
FINETUNED = "finetuned"


def select(table: pd.DataFrame, where: dict[str, str]) -> pd.DataFrame:
    """Rows of which each named column has the given text; a missing column has it nowhere."""
    chosen = np.full(len(table), True)
    for column, wanted in where.items():
        values = table[column] if column in table else pd.Series("-", index=table.index)
        empty = values.isna() | values.eq("")
        chosen &= (empty if wanted == "" else values.astype(str).eq(wanted)).to_numpy()
    return table[chosen]


def of_networks(statistic: Statistic, table: pd.DataFrame, others: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The rows of a statistic of each network that has some, the fine-tuned one first.

    `table` is the analysis' own, which may tell networks apart by the column `model`; `others` are the tables of the
    same analysis of other networks, by their names.
    """
    found = {FINETUNED: select(table, statistic.where)}
    if "model" in statistic.where:
        found |= {
            name: select(table, statistic.where | {"model": name})
            for name in dict.fromkeys(table["model"])
            if name != FINETUNED
        }
    found |= {name: select(other, statistic.where) for name, other in others.items()}
    measured = {name: rows[rows["layer"].notna() & rows["value"].notna()] for name, rows in found.items()}
    return {name: rows for name, rows in measured.items() if len(rows)}


def by_head(
    statistic: Statistic, table: pd.DataFrame, others: dict[str, pd.DataFrame], layers: int, heads: int
) -> dict[str, Any] | None:
    """A statistic as one list for each of value, low, high and n, layer after layer; None where no row has it.

    Under `classes` of the fine-tuned network, under `networks` of the others (`of_networks`). Cells without a row, as
    of layers that the analysis left out, hold None.
    """
    found = {
        name: rows[pd.to_numeric(rows["head"]).notna()] for name, rows in of_networks(statistic, table, others).items()
    }
    if not len(found.get(FINETUNED, ())):
        return None
    described = _described(statistic)
    if statistic.category:
        described["categories"] = sorted({entry for rows in found.values() for entry in rows[statistic.category]})
    made = {
        name: _heads_of_classes(statistic, rows, described.get("categories", []), layers, heads)
        for name, rows in found.items()
        if len(rows)
    }
    return described | {"classes": made.pop(FINETUNED), "networks": made}


def _heads_of_classes(
    statistic: Statistic, rows: pd.DataFrame, categories: list[str], layers: int, heads: int
) -> dict[str, dict[str, list[float | int | None]]]:
    cells = ((rows["layer"].astype(int) - 1) * heads + pd.to_numeric(rows["head"]).astype(int) - 1).to_numpy()
    if statistic.category:
        rows = rows.assign(category=rows[statistic.category].map(categories.index))
    classes = rows["class"] if "class" in rows else pd.Series(WEIGHTS, index=rows.index)
    made = {}
    for name in dict.fromkeys(classes):
        of_class = (classes == name).to_numpy()
        part, places = rows[of_class], cells[of_class]
        if statistic.category:
            # The most frequent entry of each head comes last, and stays.
            order = np.argsort(part["value"].to_numpy(), kind="stable")
            part, places = part.iloc[order], places[order]
        columns = [*(column for column in NUMBERS if column in part), *(["category"] if statistic.category else [])]
        made[name] = {column: placed(part[column].to_numpy(), places, layers * heads) for column in columns}
    return made


def by_layer(statistic: Statistic, table: pd.DataFrame, others: dict[str, pd.DataFrame]) -> dict[str, Any] | None:
    """A statistic of layers as lists of layer, value, low, high and n for each class; None where no row has it.

    Under `classes` of the fine-tuned network, under `networks` of the others (`of_networks`).
    """
    found = of_networks(statistic, table, others)
    if FINETUNED not in found:
        return None
    made = {
        network: {
            name: {column: numbers(part[column].to_numpy()) for column in ("layer", *NUMBERS) if column in part}
            for name, part in rows.sort_values("layer", kind="stable").groupby("class", sort=False)
        }
        for network, rows in found.items()
    }
    return _described(statistic) | {"classes": made.pop(FINETUNED), "networks": made}


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
