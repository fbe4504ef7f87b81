"""The card of a model, as the Hugging Face hub reads it: metadata, and what a reader must know before use.

The form is that of the hub's documentation on model cards; metrics are in its `model-index`.
"""

from typing import Any

import pandas as pd
import yaml

from spikegeometry import __version__
from spikegeometry.report.card import data_rows
from spikegeometry.report.front import accuracies

# Metrics of the model index: the hub's name, and what sets this one apart.
INDEXED = {"accuracy": ("accuracy", {}), "macro_f1": ("f1", {"average": "macro"})}
TASK = "text-classification"
LIMITS = (
    "It knows its classes and no other: where it abstains, the class that it names is no answer.",
    "It reads one gene of one virus, aligned to its reference; other genes and viruses are none of its matter.",
    "Its probabilities are those of the network, not of the world: how often each class is met is not in them.",
    "It is a means of research. No finding on a patient may rest on it.",
)
USE = """With a checkout of Spike Geometry, genomes get the answers that they got from its maker, abstention and all:

```bash
snakemake classify --cores 4 --config query=genomes.fasta model_folder=FOLDER_OR_HUB_NAME
```

Without it, from a gene sequence in {coordinates} coordinates, and without abstention:

```python
from transformers import AutoModelForSequenceClassification, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForSequenceClassification.from_pretrained(folder, use_safetensors=True)
kmers = " ".join(gene[i : i + {k}] for i in range(0, len(gene) - {k} + 1, {stride}))
logits = model(**tokenizer(kmers, return_tensors="pt")).logits
print(model.config.id2label[int(logits.argmax())])
```

Weights are safetensors; nothing in the folder is code or a pickle, and nothing in it needs `trust_remote_code`."""


def model_card(
    about: dict[str, Any],
    model: dict[str, Any],
    metrics: pd.DataFrame,
    splits: pd.DataFrame,
    thresholds: pd.DataFrame,
    config: dict[str, Any],
    reference: str,
) -> str:
    """The card as Markdown under a block of YAML.

    `about`: of `report.front.about_model`; `model`: the Hugging Face configuration; `metrics`: evaluation/metrics.tsv;
    `splits`: dataset/split_sizes.tsv; `thresholds`: evaluation/thresholds.tsv; `config`: the parts of the run's
    configuration that `data_rows` names, and `publish`; `reference`: name of the reference genome.
    """
    simulated, dataset, gene = config["source"]["type"] == "simulate", config["dataset"], config["reference"]["gene"]
    licence, known = config["publish"]["license"], config["publish"]["training_sequences"]
    score = thresholds.iloc[0]
    parts = [
        f"---\n{yaml.safe_dump(metadata(config, metrics), sort_keys=False, allow_unicode=True)}---",
        f"# {config['run']}: classes of {gene} genes",
        *(f"**{text}**" for text in about["cautions"]),
        f"A BERT of {model['num_hidden_layers']} layers, {model['num_attention_heads']} heads and width "
        f"{model['hidden_size']} that reads a {gene} gene as {dataset['k']}-mers at stride {dataset['stride']} and "
        f"tells {len(config['classes'])} classes apart: {', '.join(config['classes'])}.",
        "## Data",
        f"The genomes are {'simulated' if simulated else 'real'}. {about['sentences'][0]}",
        _table(pd.DataFrame(data_rows(config, reference), columns=["of the data", "value"])),
        _table(splits),
        "## Metrics",
        "Shares with Wilson's interval over distinct sequences; the baselines were fitted on the same training split.",
        *about["sentences"][1:-1],
        _table(accuracies(metrics)),
        "## Abstention",
        about["sentences"][-1] or "No set besides the validation split has told what abstaining does.",
        f"The score is `{score['score']}`. Under the threshold of its class a genome is given none; thresholds were "
        f"fitted on the validation split and {score['background']} distinct background genomes.",
        _table(thresholds[["class", "threshold", "n", "fitted_on"]]),
        "## Limits",
        "\n".join(f"- {text}" for text in LIMITS),
        "## Licence",
        licence or "Its maker has named no licence. Ask before you pass it on.",
        "The training sequences that answers name as the nearest go along, in `known.parquet`."
        if known
        else "No training sequence goes along, so that answers come without the nearest one.",
        "## Use",
        USE.format(coordinates=dataset["coordinates"], k=dataset["k"], stride=dataset["stride"]),
        f"Made by the workflow Spike Geometry, version {__version__}.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def metadata(config: dict[str, Any], metrics: pd.DataFrame) -> dict[str, Any]:
    """What the hub reads: licence, library, task, tags, and metrics of the test split and the external sets."""
    results = []
    for name in dict.fromkeys(metrics["set"]):
        rows = metrics[(metrics["set"] == name) & (metrics["model"] == "bert") & metrics["value"].notna()]
        rows = rows[rows["metric"].isin(INDEXED.keys())]
        if name == "validation" or rows.empty:
            continue
        measured = [
            {"type": INDEXED[metric][0], "value": float(value), "name": metric.replace("_", " ")}
            | ({"args": INDEXED[metric][1]} if INDEXED[metric][1] else {})
            for metric, value in rows[["metric", "value"]].itertuples(index=False)
        ]
        of_set = {"type": config["run"], "name": f"{config['run']}: {name}", "split": name}
        results.append({"task": {"type": TASK}, "dataset": of_set, "metrics": measured})
    return {
        "license": config["publish"]["license"] or "unknown",
        "library_name": "transformers",
        "pipeline_tag": TASK,
        "tags": ["bert", "dna", "genomics", "virus", "spike-geometry", config["reference"]["gene"]],
        "metrics": sorted({name for name, _ in INDEXED.values()}),
        "model-index": [{"name": config["run"], "results": results}],
    }


def _table(table: pd.DataFrame) -> str:
    """A table in Markdown; "" where it has no rows."""
    if table.empty:
        return ""
    shown = table.map(lambda value: f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|"))
    rows = [shown.columns, ["---"] * len(shown.columns), *shown.to_numpy()]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)
