"""Single sequences in the atlas, from their tables to what fits into a page."""

from typing import Any

import numpy as np
import pandas as pd

from spikegeometry.report.arrays import packed, profile_arrays
from spikegeometry.report.views import significant
from spikegeometry.sequences.codons import CODON

# Characters that the attention of all sequences may take; beyond, neighbours among the k-mers share a mean.
BUDGET = 3_000_000
PLACES = ["accession", "token", "first_residue", "last_residue"]


def single_sequences(
    sequences: pd.DataFrame,
    kmers: pd.DataFrame,
    attention: pd.DataFrame,
    mutations: pd.DataFrame,
    predictions: pd.DataFrame,
    config: dict[str, Any],
) -> dict[str, Any]:
    """The tables of `analyses.examples` sequence by sequence, with what the model said of each in `predictions`.

    `bin` is the number of k-mers of which a mean of attention is taken. `places`, the first and last residue of each
    k-mer, is missing where these follow from k and stride alone: in sequences without insertions and deletions.
    """
    k, stride = (config["dataset"][key] for key in ("k", "stride"))
    classes = config["classes"]
    heads = len(attention[["layer", "head"]].drop_duplicates())
    size = -(-2 * 4 * heads * int(sequences["kmers"].sum()) // (3 * BUDGET))
    said = predictions.set_index("accession")
    of_kmers, of_attention, of_mutations = (
        dict(iter(table.groupby("accession", sort=False))) for table in (kmers, attention, mutations)
    )
    methods = [column for column in kmers if column not in PLACES]
    shown = []
    for one in sequences.to_dict("records"):
        name, own = one["accession"], of_kmers[one["accession"]].sort_values("token")
        maps = of_attention[name].sort_values(["layer", "head", "token"])
        changed = of_mutations.get(name, mutations[:0])
        chances = said.loc[name, [f"p_{other}" for other in classes]].to_numpy(float)
        ranked = np.argsort(-chances, kind="stable")[:2]
        first, last = (own[f"{end}_residue"].to_numpy() for end in ("first", "last"))
        bases = stride * np.arange(len(own))
        regular = (first == bases // CODON + 1).all() and (last == (bases + k - 1) // CODON + 1).all()
        shown.append(
            {key: one[key] for key in ("accession", "class", "predicted", "reason")}
            | {
                "runner": classes[ranked[1]],
                "chances": significant(chances[ranked]),
                "abstain": bool(said.loc[name, "abstain"]),
                "margin": float(said.loc[name, "margin"]),
                "unknown": int(said.loc[name, "unknown"]),
                "kmers": len(own),
                "places": None if regular else [first.tolist(), last.tolist()],
                "nearest": [one[f"nearest{part}"] for part in ("", "_class", "_differences", "_compared")],
                "attributions": {method: packed(own[method].to_numpy()) for method in methods},
                "mutations": [
                    [text, residue, defines.split(), carried]
                    for text, residue, defines, carried in zip(
                        changed["mutation"],
                        changed["residue"].tolist(),
                        changed["defines"],
                        significant(changed["carried"]),
                        strict=True,
                    )
                ],
            }
            | {
                kind: profile_arrays(maps[kind].to_numpy().reshape(heads, -1), size)
                for kind in ("received", "from_cls")
            }
        )
    return {"bin": size, "per_class": config["atlas"]["sequences_per_class"], "sequences": shown}
