"""What a run is: its data, model, metrics, versions, configuration and files."""

import json
from typing import Any

import pandas as pd

from spikegeometry import __version__
from spikegeometry.report.cells import numbers

CITATION = (
    "Bonino, Ghione, Cirrincione: The geometry of BERT, arXiv 2502.12033. Reference genome: {}. "
    "Made by the workflow Spike Geometry, version {}."
)
OF_MODEL = {
    "num_hidden_layers": "layers",
    "num_attention_heads": "heads in a layer",
    "hidden_size": "width",
    "intermediate_size": "width of the feed-forward part",
    "vocab_size": "tokens in the vocabulary",
    "max_position_embeddings": "longest sequence, in tokens",
    "hidden_act": "activation",
    "transformers_version": "transformers",
}


def run_card(
    config: dict[str, Any],
    model: dict[str, Any],
    metrics: pd.DataFrame,
    splits: pd.DataFrame,
    reference: str,
    ran: pd.DataFrame,
    tables: list[str],
) -> dict[str, Any]:
    """The card of a run.

    `model`: the Hugging Face configuration; `metrics`: evaluation/metrics.tsv; `splits`: dataset/split_sizes.tsv;
    `reference`: name of the reference genome; `ran`: `report.provenance.versions` of the jobs so far; `tables`: paths
    of the run's tables from the page.
    """
    return {
        "simulated": config["source"]["type"] == "simulate",
        "metrics": metric_rows(metrics),
        "data": {"columns": ["of the data", "value"], "rows": data_rows(config, reference)},
        "splits": table_rows(splits),
        "model": {
            "columns": ["of the model", "value"],
            "rows": [[words, str(model[key])] for key, words in OF_MODEL.items() if key in model],
        },
        "versions": table_rows(ran[["kind", "name", "version"]]),
        "citation": CITATION.format(reference, __version__),
        "config": json.dumps(config, indent=2, ensure_ascii=False),
        "tables": tables,
    }


def data_rows(config: dict[str, Any], reference: str) -> list[list[Any]]:
    """What the configuration says of the data, in words and values; `reference` is the name of the reference genome."""
    dataset, external, gene = config["dataset"], ", ".join(config["external"]), config["reference"]
    return [
        ["reference genome", reference],
        ["gene", f"{gene['gene']}, bases {gene['start']} to {gene['end']}"],
        ["source of the genomes", config["source"]["type"]],
        ["other sets, never trained on", external or "none"],
        ["classes", ", ".join(config["classes"])],
        ["coordinates of the gene", dataset["coordinates"]],
        ["token", f"{dataset['k']} bases, one every {dataset['stride']}"],
        ["split by", config["split"]["method"]],
        ["seed", str(config["seed"])],
    ]


def metric_rows(metrics: pd.DataFrame) -> list[list[Any]]:
    """Metrics of whole sets: set, model, metric, value, low, high, n."""
    whole = metrics[metrics["class"].isna() | metrics["class"].eq("")]
    labels = whole[["set", "model", "metric"]].to_numpy().tolist()
    values = (numbers(row) for row in whole[["value", "low", "high", "n"]].to_numpy())
    return [label + value for label, value in zip(labels, values, strict=True)]


def table_rows(table: pd.DataFrame) -> dict[str, Any]:
    """A small table as the names of its columns and its rows."""
    return {"columns": list(table.columns), "rows": table.astype(object).where(table.notna(), None).to_numpy().tolist()}
