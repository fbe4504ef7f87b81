"""What each view of the atlas shows, from tables to lists that fit into a page."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from spikegeometry.figures.style import class_colours, model_look, on_dark
from spikegeometry.report.arrays import packed, principal_components, profile_arrays
from spikegeometry.report.cells import by_head, by_layer, numbers, placed, select
from spikegeometry.report.statistics import ALONG, KMERS, OF_HEADS, OF_LAYERS, Statistic, domain_statistics
from spikegeometry.sequences.mutations import all_in_protein

# Pairs of k-mers of a head and class, genomes in the table, and points in the space: more would make the page slow.
PAIRS = 15
SEQUENCES = 4000
POINTS = 1500
# What plotly.js calls the lines of matplotlib.
DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
SPECTRA = ("finetuned", "pretrained", "random")
ALL_CLASSES = "all"
PHASES = {"pretrain": "pre-training", "finetune": "fine-tuning"}
Tables = dict[str, pd.DataFrame]


def coloured(classes: list[str]) -> list[dict[str, Any]]:
    """The classes with the colour that they have in all figures, and a lighter one for dark pages."""
    colours = class_colours(classes)
    return [{"name": name, "colour": {"light": colours[name], "dark": on_dark(colours[name])}} for name in classes]


def head_statistics(
    tables: Tables, networks: dict[str, Tables], layers: int, heads: int, trajectory: pd.DataFrame | None = None
) -> list[dict[str, Any]]:
    """`by_head` of every statistic of heads of which `tables`, by analysis, has rows.

    `networks` holds the tables of other networks, by their names; `trajectory` has the statistics of heads along the
    training, of which each statistic holds those of `training_steps` under `steps`.
    """
    wanted = [*OF_HEADS, *(domain_statistics(tables["attention_domains"]) if "attention_domains" in tables else [])]
    found = (
        by_head(
            one,
            tables[one.analysis],
            _of_analysis(networks, one.analysis) | _tables_of_steps(one, trajectory),
            layers,
            heads,
        )
        for one in wanted
        if one.analysis in tables
    )
    return [_steps_apart(one, trajectory) for one in found if one]


def layer_statistics(
    tables: Tables, networks: dict[str, Tables], trajectory: pd.DataFrame | None = None
) -> list[dict[str, Any]]:
    """`by_layer` of every statistic of layers of which `tables`, by analysis, has rows; else as for heads."""
    found = (
        by_layer(one, tables[one.analysis], _of_analysis(networks, one.analysis) | _tables_of_steps(one, trajectory))
        for one in OF_LAYERS
        if one.analysis in tables
    )
    return [_steps_apart(one, trajectory) for one in found if one]


def training_steps(trajectory: pd.DataFrame | None) -> list[dict[str, Any]]:
    """The steps of both trainings at which the network was measured, in their order: phase, step, of (the last step of
    the phase) and kept (whether the phase kept the model of this step)."""
    return [
        {"phase": PHASES[phase], "step": int(step), "of": int(of), "kept": bool(kept)}
        for phase, step, kept, of in _steps(trajectory).itertuples(index=False)
    ]


def _steps(trajectory: pd.DataFrame | None) -> pd.DataFrame:
    if trajectory is None:
        return pd.DataFrame(columns=["phase", "step", "kept", "of"])
    measured = trajectory[trajectory["layer"].notna()]
    steps = measured[["phase", "step", "kept"]].drop_duplicates(["phase", "step"])
    return steps.assign(of=steps.groupby("phase")["step"].transform("max"))


def _step_name(number: int) -> str:
    # No network is called so.
    return f"step {number}"


def _tables_of_steps(one: Statistic, trajectory: pd.DataFrame | None) -> Tables:
    """What the trajectory has of a statistic at each step, as tables of its analysis."""
    if trajectory is None or one.key not in ALONG:
        return {}
    rows = select(trajectory, ALONG[one.key]).assign(**{"class": ALL_CLASSES} | one.where)
    rows = rows.assign(value=np.array(significant(rows["value"].to_numpy()), dtype=float))
    columns = [*one.where, "class", "layer", *(name for name in ("head", one.category) if name in rows), "value", "n"]
    of_steps = dict(list(rows.groupby(["phase", "step"])))
    numbered = enumerate(_steps(trajectory)[["phase", "step"]].itertuples(index=False, name=None))
    return {_step_name(number): of_steps[step][columns] for number, step in numbered if step in of_steps}


def _steps_apart(found: dict[str, Any], trajectory: pd.DataFrame | None) -> dict[str, Any]:
    """The values of all classes at each step, None where there are none; nothing at all where no step has any."""
    names = [_step_name(number) for number in range(len(_steps(trajectory)))]
    steps = [found["networks"].pop(name, {}).get(ALL_CLASSES) for name in names]
    return found | {"steps": steps if any(steps) else []}


def _of_analysis(networks: dict[str, Tables], analysis: str) -> Tables:
    return {name: tables[analysis] for name, tables in networks.items() if analysis in tables}


def model_looks(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Title, colours and line of models, by the names that tables have: those that they have in all figures."""
    looks = {name: model_look(name) for name in names}
    return {
        name: {"title": look.name, "colour": {"light": look.light, "dark": look.dark}, "dash": DASHES[look.line]}
        for name, look in looks.items()
    }


def class_contrasts(contrasts: pd.DataFrame, layers: int, heads: int) -> dict[str, list[dict[str, Any]]]:
    """For each statistic that is tested the pairs of classes: first, second, and of each head low, high and q.

    The interval is that of the first class less the second. Heads without a test hold None.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    rows = select(contrasts, KMERS)
    for (domain, first, second), part in rows.groupby(["domain", "first", "second"], sort=False):
        cells = ((part["layer"] - 1) * heads + part["head"] - 1).to_numpy().astype(int)
        of_heads = {
            name: placed(np.array(significant(part[name].to_numpy(), 4), dtype=float), cells, layers * heads)
            for name in ("low", "high", "q")
        }
        found.setdefault(f"log2_enrichment.{domain}", []).append({"first": first, "second": second, **of_heads})
    return found


def shown_analyses() -> set[str]:
    """Analyses of whose tables the atlas shows statistics."""
    return {one.analysis for one in (*OF_HEADS, *OF_LAYERS)} | {"attention_domains"}


def spectra_of_heads(spectra: pd.DataFrame, layers: int, heads: int) -> dict[str, list[list[float | int | None]]]:
    """Singular values of the query-key form of every head (layer after layer) in each model, the largest first."""
    rows = select(spectra, {"form": "head", "spectrum": "singular"})
    found = {}
    for model in SPECTRA:
        of_model = rows[rows["model"] == model]
        lists: list[list[float | int | None]] = [[] for _ in range(layers * heads)]
        for (layer, head), part in of_model.groupby(["layer", "head"]):
            values = part.sort_values("rank")["value"].to_numpy()
            lists[(int(layer) - 1) * heads + int(head) - 1] = significant(values)
        if len(of_model):
            found[model] = lists
    return found


def strongest_pairs(pairs: pd.DataFrame, layers: int, heads: int) -> dict[str, list[list[list[float]]]]:
    """For each class and head (layer after layer) the pairs of k-mers with the largest mean attention.

    A pair is the token of the query, that of the key, and the mean. Pairs with [CLS] or [SEP] are left out.
    """
    rows = pairs[pairs["query_first_residue"].notna() & pairs["key_first_residue"].notna()]
    rows = rows.sort_values("mean", ascending=False, kind="stable")
    rows = rows.groupby(["class", "layer", "head"], sort=False).head(PAIRS)
    found: dict[str, list[list]] = {name: [[] for _ in range(layers * heads)] for name in dict.fromkeys(pairs["class"])}
    for (name, layer, head), part in rows.groupby(["class", "layer", "head"], sort=False):
        columns = zip(part["query"].tolist(), part["key"].tolist(), significant(part["mean"].to_numpy()), strict=True)
        found[name][(layer - 1) * heads + head - 1] = [list(pair) for pair in columns]
    return found


def attention_received(tokens: pd.DataFrame, layers: int, heads: int) -> dict[str, Any]:
    """What each k-mer gets of the attention of the k-mers, for each class: `profile_arrays` of the heads.

    Heads without rows are missing. The number of k-mers is that of the longest.
    """
    kmers = int(tokens["token"].max())
    found = {}
    for name, part in tokens.groupby("class", sort=False):
        values = np.full((layers * heads, kmers), np.nan, np.float32)
        rows = (part["layer"].to_numpy().astype(int) - 1) * heads + part["head"].to_numpy().astype(int) - 1
        values[rows, part["token"].to_numpy() - 1] = part["received"]
        found[name] = profile_arrays(values)
    return {"kmers": kmers, "classes": found}


def attributions_by_class(tokens: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """For each method and class the mean attribution of each k-mer, in their order, and of how many sequences."""
    rows = tokens[tokens["statistic"] == "attribution"].sort_values("token", kind="stable")
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for (method, name), part in rows.groupby(["method", "class"], sort=False):
        found.setdefault(method, {})[name] = {
            "value": significant(part["value"].to_numpy()),
            "n": int(part["n"].iloc[0]),
        }
    return found


def mutations_by_class(mutations: dict[str, pd.DataFrame], gene: str) -> dict[str, list[list[Any]]]:
    """For each class its mutations: how the genome's and the protein's is written, first and last residue, and share.

    `mutations` are as from `genomes.definitions.in_gene`, `gene` is the reference's.
    """
    found = {}
    for name, table in mutations.items():
        described = all_in_protein(table["mutation"], table["first"].tolist(), table["last"].tolist(), gene)
        found[name] = [
            [text, *protein, round(share, 3)]
            for text, protein, share in zip(table["mutation"], described, table["share"].tolist(), strict=True)
        ]
    return found


def finding_rows(findings: pd.DataFrame) -> list[dict[str, Any]]:
    """The findings (findings.tsv), each as text and numbers of three digits; what is missing is None."""
    texts = ("claim", "verdict", "analysis", "source", "seeds")
    return [
        {column: str(row[column]) if pd.notna(row[column]) else None for column in texts}
        | dict(zip(("value", "low", "high", "untrained"), significant(numbers_of), strict=True))
        | {"n": int(row["n"]) if pd.notna(row["n"]) else None}
        for row, numbers_of in zip(
            findings.to_dict("records"),
            findings[["value", "low", "high", "untrained_value"]].to_numpy(float),
            strict=True,
        )
    ]


def embedding_space(cls: np.ndarray, sequences: pd.DataFrame, maps: pd.DataFrame | None) -> dict[str, Any]:
    """The test sequences in three dimensions: components of [CLS] by layer, and the maps of the clustering.

    `cls`: (N, L+1, d); `sequences`: accession, class, predicted, one row for each. Of many sequences, every so
    manieth of each class is shown; components are of all.
    """
    shown = evenly(sequences["class"], POINTS)
    layers = []
    for layer in range(cls.shape[1]):
        points, shares = principal_components(cls[:, layer])
        layers.append({"points": packed(points[shown]), "shares": significant(shares)})
    found: dict[str, Any] = {
        "accessions": sequences["accession"].iloc[shown].tolist(),
        "class": sequences["class"].iloc[shown].tolist(),
        "predicted": sequences["predicted"].iloc[shown].tolist(),
        "n": len(sequences),
        "pca": layers,
        "maps": [],
    }
    if maps is not None:
        solid = maps[(maps["dimensions"] == 3) & (maps["method"] != "pca")]
        for (method, site, layer), part in solid.groupby(["method", "site", "layer"], sort=False):
            places = evenly(part["class"], POINTS)
            part = part.iloc[places]
            found["maps"].append(
                {
                    "method": method,
                    "site": site,
                    "layer": int(layer),
                    "points": packed(part[["x", "y", "z"]].to_numpy()),
                }
                | {"accessions": part["sequence"].tolist(), "class": part["class"].tolist()}
            )
    return found


def evenly(classes: pd.Series, limit: int) -> np.ndarray:
    """Places of at most about `limit` rows, every so manieth of each class."""
    step = max(1, -(-len(classes) // limit))
    return np.flatnonzero(classes.groupby(classes.to_numpy()).cumcount().to_numpy() % step == 0)


def prediction_rows(predictions: pd.DataFrame, classes: list[str]) -> dict[str, Any]:
    """Test sequences: errors first, then the others with the least certain first. At most SEQUENCES."""
    chances = [f"p_{name}" for name in classes]
    given = predictions.assign(certainty=predictions[chances].max(axis=1))
    given = given.sort_values(["correct", "certainty"], kind="stable").head(SEQUENCES)
    columns = [column for column in ("accession", "class", "predicted", "abstain", "unknown") if column in given]
    return {
        "n": len(predictions),
        "errors": int((~predictions["correct"].astype(bool)).sum()),
        "columns": {column: given[column].tolist() for column in columns},
        "probabilities": [significant(given[column].to_numpy()) for column in chances],
    }


def confusions(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """For each model the classes in rows and columns, and counts of sequences."""
    found = {}
    for model, part in table.groupby("model", sort=False):
        rows, columns = list(dict.fromkeys(part["true"])), list(dict.fromkeys(part["predicted"]))
        counts = part.pivot(index="true", columns="predicted", values="count").loc[rows, columns]
        found[model] = {"true": rows, "predicted": columns, "counts": counts.to_numpy().tolist()}
    return found


def significant(values: np.ndarray, digits: int = 6) -> list[float | int | None]:
    """`numbers` with so many significant digits, as tables are written."""
    return numbers(np.array([float(f"{value:.{digits}g}") for value in np.asarray(values, dtype=float)]))
