"""What a finished run says of itself, in the rows of one tidy table that holds several runs."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikegeometry.report.card import OF_MODEL
from spikegeometry.report.cells import FINETUNED
from spikegeometry.report.statistics import OF_HEADS, OF_LAYERS, OF_READERS, Statistic, domain_statistics
from spikegeometry.tables import read_tsv

# part: cautions, configuration, data, metrics, analyses, findings, layers, differences (between two runs), or missing.
COLUMNS = [
    *("part", "run", "against", "set", "model", "analysis", "statistic", "labels", "class", "layer", "depth"),
    *("value", "low", "high", "n", "p", "p_holm", "text"),
]
UNTRAINED = "random"
# Of a configuration, what is no part of a finished run.
NOT_OF_A_RUN = {"run", "runs", "query", "explained"}
# Columns of a table of layers that are no labels of a statistic.
NO_LABELS = ["class", "layer", "head", "statistic", "value", "low", "high", "n"]
ALL_CLASSES = "all"


def labelled(labels: Mapping[str, Any]) -> str:
    """Labels of a statistic as text, in the order of their names; empty ones are left out."""
    said = {key: f"{value:g}" if isinstance(value, float) else str(value) for key, value in sorted(labels.items())}
    return "; ".join(f"{key}={value}" for key, value in said.items() if value not in ("", "nan"))


def address(statistic: Statistic) -> tuple[str, str, str]:
    """Where a statistic is found among the rows of `layers`: analysis, statistic, labels."""
    where = statistic.where
    return (
        statistic.analysis,
        where["statistic"],
        labelled({key: where[key] for key in where if key not in ("statistic", "head")}),
    )


def run_rows(folder: Path) -> tuple[pd.DataFrame, list[Statistic]]:
    """Rows of a finished run in `folder`, with the columns COLUMNS, and those of its statistics that pages describe.

    A file that the run lacks gives no rows: `missing_rows` says so.
    """
    shape = _read_json(folder / "model/finetuned/config.json")
    own = _geometry(folder)
    layers = {FINETUNED: own, UNTRAINED: _geometry(folder / f"replicates/{UNTRAINED}")}
    curves = [
        layer_rows(table).assign(part="layers", analysis=name, model=model)
        for model, tables in layers.items()
        for name, table in tables.items()
    ]
    parts = [
        pd.DataFrame({"text": _read_json(folder / "model/about.json").get("cautions", [])}).assign(part="cautions"),
        _configuration(_read_json(folder / "config.json")),
        _data(folder, shape),
        _metrics(folder),
        pd.DataFrame({"analysis": list(own)}).assign(part="analyses"),
        _findings(folder),
        *curves,
    ]
    rows = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True).reindex(columns=COLUMNS)
    last = shape.get("num_hidden_layers") or rows["layer"].max()
    return rows.assign(run=folder.name, depth=rows["layer"] / last), described(own)


def described(tables: Mapping[str, pd.DataFrame]) -> list[Statistic]:
    """The statistics of `tables`, of analyses by their names, that have titles; one for each entry of a category."""
    known = [one for one in (*OF_LAYERS, *OF_HEADS, *OF_READERS) if one.analysis in tables]
    found = [entry for one in known for entry in _by_entry(one, tables[one.analysis])]
    return found + (domain_statistics(tables["attention_domains"]) if "attention_domains" in tables else [])


def _by_entry(statistic: Statistic, table: pd.DataFrame) -> list[Statistic]:
    column = statistic.category
    if column is None:
        return [statistic]
    entries = sorted(set(table[column]) - {""})
    return [
        replace(
            statistic,
            key=f"{statistic.key}.{entry}",
            title=f"{statistic.title}: {entry}",
            where=statistic.where | {column: entry},
        )
        for entry in entries
    ]


def layer_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Every statistic of a table of an analysis, layer by layer: statistic, labels, layer, value, low, high, n.

    Of all classes together where the table has such rows, else the mean over the classes; always the mean over heads.
    The interval is that of the table, where the mean is of one row. A table without layers has no rows.
    """
    table = table.rename(columns={} if "layer" in table else {"block": "layer"})
    if not {"layer", "statistic", "value"} <= set(table):
        return pd.DataFrame(columns=["statistic", "labels", "layer", "value", "low", "high", "n"])
    table = table.assign(layer=pd.to_numeric(table["layer"], errors="coerce")).dropna(subset=["layer", "value"])
    named = [column for column in table if column not in NO_LABELS]
    table["labels"] = [labelled(row) for row in table[named].to_dict("records")] if named else ""
    table = table.reindex(columns=["labels", *NO_LABELS])
    whole = table["class"].eq(ALL_CLASSES)
    table = table[whole | ~whole.groupby([table["statistic"], table["labels"]]).transform("any")]
    places = ["statistic", "labels", "layer"]
    groups = table.groupby(places, sort=False)
    rows = groups.agg(value=("value", "mean"), low=("low", "first"), high=("high", "first"), of=("value", "size"))
    rows.loc[rows["of"] > 1, ["low", "high"]] = np.nan
    by_class = table.groupby([*places, "class"], dropna=False)["n"].max()
    rows["n"] = by_class.groupby(level=places).sum(min_count=1)
    return rows.drop(columns="of").reset_index()


def missing_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """What a run lacks that another one of `rows` has, one row each: part, run and `text`."""
    wanted: dict[str, set[str]] = {}
    for run, of in rows.groupby("run", sort=False):
        parts = of.groupby("part")
        had = {f"the {part}" for part in parts.groups if part not in ("cautions", "analyses", "layers")}
        had |= {f"analysis {name}" for name in of["analysis"].dropna()}
        measured = of[of["part"] == "metrics"]
        had |= {f"set {name}" for name in measured["set"]} | {f"model {name}" for name in measured["model"]}
        if (of["model"].eq(UNTRAINED) & of["part"].eq("layers")).any():
            had.add("measurements of an untrained network")
        wanted[str(run)] = had
    every = set().union({"the configuration", "the findings"}, *wanted.values())
    lacking = [(run, text) for run, had in wanted.items() for text in sorted(every - had)]
    return pd.DataFrame(lacking, columns=["run", "text"]).assign(part="missing").reindex(columns=COLUMNS)


def differing(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` without those keys of the configuration that all runs which have one give the same value."""
    keys = rows[rows["part"] == "configuration"]
    runs = keys["run"].nunique()
    same = [key for key, of in keys.groupby("statistic") if of["text"].nunique() == 1 and len(of) == runs]
    return rows[~(rows["part"].eq("configuration") & rows["statistic"].isin(same))]


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    return read_tsv(path)[columns] if path.is_file() else pd.DataFrame(columns=columns)


def _geometry(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of the analyses of a network, by their names, with all shares of those that have categories."""
    tables = {path.stem: read_tsv(path) for path in sorted(folder.glob("geometry/*.tsv"))}
    for statistic in OF_HEADS:
        if statistic.category and statistic.analysis in tables:
            tables[statistic.analysis] = with_zeros(tables[statistic.analysis], statistic.category)
    return tables


def with_zeros(table: pd.DataFrame, category: str) -> pd.DataFrame:
    """A table with a row of 0 where the entries of the column `category` that a place has no row of have no share."""
    shares = table["statistic"].eq("share")
    places = [column for column in table if column not in (category, "value", "low", "high")]
    wide = table[shares].pivot(index=places, columns=category, values="value").fillna(0.0)
    return pd.concat([table[~shares], wide.stack().rename("value").reset_index()], ignore_index=True)


def _configuration(config: Mapping[str, Any]) -> pd.DataFrame:
    """One row for each key: its parts joined by dots as `statistic`, and its value as `text`."""

    def leaves(node: Mapping[str, Any], prefix: str):
        for key, value in node.items():
            if isinstance(value, dict) and value:
                yield from leaves(value, f"{prefix}{key}.")
            elif f"{prefix}{key}" not in NOT_OF_A_RUN:
                yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return pd.DataFrame(leaves(config, ""), columns=["statistic", "text"]).assign(part="configuration")


def _data(folder: Path, shape: Mapping[str, Any]) -> pd.DataFrame:
    """Genomes accepted and rejected, genomes and distinct sequences of each split, and the shape of the model."""
    rows: list[tuple[str, str, Any, str]] = []
    for path in [folder / "genomes/counts.tsv", *sorted(folder.glob("external/*/genomes/counts.tsv"))]:
        name = "" if path.parents[1] == folder else path.parents[1].name
        for outcome, n in _read(path, ["outcome", "n"]).groupby("outcome", sort=False)["n"].sum().items():
            rows.append((name, "genomes accepted" if outcome == "accepted" else f"rejected: {outcome}", n, ""))
    sizes = _read(folder / "dataset/split_sizes.tsv", ["split", "genomes", "haplotypes"]).groupby("split", sort=False)
    for split, of in sizes.sum().iterrows():
        rows += [(str(split), "genomes", of["genomes"], ""), (str(split), "distinct sequences", of["haplotypes"], "")]
    rows += [("", words, *_number_or_text(shape[key])) for key, words in OF_MODEL.items() if key in shape]
    return pd.DataFrame(rows, columns=["set", "statistic", "value", "text"]).assign(part="data")


def _number_or_text(value: Any) -> tuple[float, str]:
    return (value, "") if isinstance(value, int) else (np.nan, str(value))


def _metrics(folder: Path) -> pd.DataFrame:
    columns = ["set", "model", "metric", "class", "value", "low", "high", "n"]
    table = _read(folder / "evaluation/metrics.tsv", columns)
    return table.rename(columns={"metric": "statistic"}).assign(part="metrics")


def _findings(folder: Path) -> pd.DataFrame:
    """Each finding as a row of the fine-tuned and one of the untrained network; the claim stands in `labels`."""
    labels, numbers = ["analysis", "statistic", "claim"], ["value", "low", "high"]
    untrained = {f"untrained_{name}": name for name in numbers} | {"untrained": "text"}
    table = _read(folder / "findings.tsv", [*labels, "verdict", *numbers, "n", *untrained])
    own = table[[*labels, "verdict", *numbers, "n"]].rename(columns={"verdict": "text"}).assign(model=FINETUNED)
    other = table[[*labels, *untrained]].rename(columns=untrained).assign(model=UNTRAINED)
    rows = pd.concat([own, other], ignore_index=True).rename(columns={"claim": "labels"})
    return rows.assign(part="findings")
