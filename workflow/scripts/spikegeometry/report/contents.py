"""What is in the atlas, view by view."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spikegeometry.report import views
from spikegeometry.report.arrays import attention_arrays
from spikegeometry.report.card import run_card
from spikegeometry.report.cells import FINETUNED
from spikegeometry.report.examples import single_sequences
from spikegeometry.report.front import cautions
from spikegeometry.report.substitutions import substitution_arrays
from spikegeometry.tables import read_tsv

# Characters that the mean attention maps may take: 12 layers of 12 heads stay well under 25 MB with all else.
MAP_BUDGET = 12_000_000
EXAMPLES = ["sequences", "kmers", "attention", "mutations"]


def read_shown(paths: Iterable[str]) -> dict[str, pd.DataFrame]:
    """The tables of analyses that the atlas shows, of those at `paths`, by the analysis."""
    return {Path(path).stem: read_tsv(path) for path in paths if Path(path).stem in views.shown_analyses()}


def read_networks(paths: Iterable[str]) -> dict[str, dict[str, pd.DataFrame]]:
    """`read_shown` of each network, by its name: a table is at NETWORK/geometry/ANALYSIS.tsv."""
    of_networks: dict[str, list[str]] = {}
    for path in paths:
        of_networks.setdefault(Path(path).parents[1].name, []).append(path)
    return {name: read_shown(of_network) for name, of_network in of_networks.items()}


def atlas_contents(
    config: dict[str, Any],
    model: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    networks: dict[str, dict[str, pd.DataFrame]],
    details: dict[str, pd.DataFrame],
    attention: Mapping[str, np.ndarray],
    cls: np.ndarray,
    mutations: dict[str, pd.DataFrame],
    gene: str,
    card: dict[str, Any],
) -> dict[str, Any]:
    """The data of the page.

    `model`: the Hugging Face configuration; `tables`: long tables by analysis, of those that are active; `networks`:
    the same of other networks, by their names; `details`: other tables, where there are any: pairs and tokens of
    attention_maps, contrasts (pairs of classes) of attention_domains, spaces of clustering, spectra of
    subspace_directionality, attributions (their tokens), trajectory (heads of training_trajectory) and curves (its
    table), substitutions (scores of in_silico_mutagenesis) and substituted (its residues), and example_sequences,
    example_kmers, example_attention and example_mutations (of `analyses.examples`); and always sequences (of the
    activations), predictions, confusion, domains, metrics, splits, tries and findings;
    `attention`: mean maps (L, H, n, n) by class, and `count_CLASS` sequences; `cls`: (N, L+1, d);
    `mutations`: those that define each class; `gene`: the reference's; `card`: what ran and tables for `run_card`.
    """
    shape = model["num_hidden_layers"], model["num_attention_heads"]
    present = [name for name in config["classes"] if name in attention]

    trajectory = details.get("trajectory")
    heads = views.head_statistics(tables, networks, *shape, trajectory)
    stream = views.layer_statistics(tables, networks, details.get("curves"))

    def detail(name, view, *more):
        return view(details[name], *more) if name in details else None

    return {
        "run": config["run"],
        "warning": " ".join(
            cautions(details["tries"], details["metrics"], details["splits"], config["source"]["type"])
        ),
        "findings": views.finding_rows(details["findings"]),
        "classes": views.coloured(config["classes"]),
        "layers": shape[0],
        "heads": shape[1],
        "k": config["dataset"]["k"],
        "stride": config["dataset"]["stride"],
        "confidence": config["evaluation"]["confidence"],
        "domains": details["domains"].to_dict("records"),
        "missing": sorted(views.shown_analyses() - tables.keys()),
        "models": views.model_looks(
            [
                *(FINETUNED, *views.SPECTRA, *details["metrics"]["model"], *details["confusion"]["model"]),
                *(name for one in (*heads, *stream) for name in one["networks"]),
            ]
        ),
        "steps": views.training_steps(trajectory),
        "statistics": heads,
        "contrasts": detail("contrasts", views.class_contrasts, *shape),
        "stream": stream,
        "maps": attention_arrays(
            ((name, attention[name], int(attention[f"count_{name}"])) for name in present), len(present), MAP_BUDGET
        ),
        "spectra": detail("spectra", views.spectra_of_heads, *shape),
        "pairs": detail("pairs", views.strongest_pairs, *shape),
        "track": {
            "received": detail("tokens", views.attention_received, *shape),
            "attributions": detail("attributions", views.attributions_by_class),
            "mutations": views.mutations_by_class(mutations, gene),
        },
        "examples": single_sequences(
            **{name: details[f"example_{name}"] for name in EXAMPLES},
            predictions=details["predictions"],
            config=config,
        )
        if "example_sequences" in details
        else None,
        "substitutions": substitution_arrays(details["substitutions"], details["substituted"], config["classes"])
        if "substitutions" in details
        else None,
        "space": views.embedding_space(cls, details["sequences"], details.get("spaces")),
        "predictions": views.prediction_rows(details["predictions"], config["classes"]),
        "confusion": views.confusions(details["confusion"]),
        "card": run_card(config, model, details["metrics"], details["splits"], **card),
    }
