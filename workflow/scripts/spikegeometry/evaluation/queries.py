"""The answers for genomes without a class: one row for each record that was read."""

import numpy as np
import pandas as pd

from spikegeometry.sequences.mutations import protein_mutations

COLUMNS = (
    *("name", "class", "probability", "runner_up", "runner_up_probability", "abstain", "score", "margin"),
    *("gene_coverage", "unknown_kmers", "mutations", "reason", "detail"),
)


def described_genes(spikes: pd.DataFrame, gene: str) -> pd.DataFrame:
    """Of each gene sequence of a table of them, by accession: coverage, and mutations (in the protein, joined by `; `).

    `gene` is the reference's.
    """
    changes = (spikes[column].fillna("") for column in ("projected", "insertions", "deletions"))
    mutations = [
        "; ".join(protein_mutations(projected, insertions, deletions, gene))
        for projected, insertions, deletions in zip(*changes, strict=True)
    ]
    return pd.DataFrame(
        {"coverage": 1 - spikes["n_fraction"].to_numpy(), "mutations": mutations}, index=pd.Index(spikes["accession"])
    )


def answer_table(
    predictions: pd.DataFrame, genes: pd.DataFrame, rejected: list[pd.DataFrame], classes: list[str]
) -> pd.DataFrame:
    """One row for each genome that was predicted, in their order, then for each that was rejected, with the reason.

    `predictions` is a table of predictions with score, margin and abstain; `genes` has by accession the coverage, which
    is the share of the gene whose symbols are known, bases or deletions, and the mutations of the protein; `rejected`
    are tables with accession, reason and detail. Columns: name, class (the most probable, also where the classifier
    abstains from it), probability, runner_up (the next class) and its probability, abstain (yes, no), score, margin
    (the score less the class's threshold: abstained from under 0), gene_coverage, unknown_kmers, mutations, reason,
    detail. What a rejected genome does not have is missing.
    """
    shares = predictions[[f"p_{name}" for name in classes]].to_numpy(float)
    ranked = np.argsort(-shares, axis=1, kind="stable")[:, :2]
    best, next_best = np.take_along_axis(shares, ranked, axis=1).T
    predicted = pd.DataFrame(
        {
            "name": predictions["accession"],
            "class": predictions["predicted"],
            "probability": best,
            "runner_up": np.array(classes, dtype=object)[ranked[:, 1]],
            "runner_up_probability": next_best,
            "abstain": predictions["abstain"].map({True: "yes", False: "no"}),
            "score": predictions["score"].astype(float),
            "margin": predictions["margin"].astype(float),
            "gene_coverage": predictions["accession"].map(genes["coverage"]).astype(float),
            "unknown_kmers": predictions["unknown"],
            "mutations": predictions["accession"].map(genes["mutations"]),
            "reason": predictions["abstain"].map({True: "abstain", False: ""}),
            "detail": predictions["abstain"].map({True: "It is not enough like any of the classes.", False: ""}),
        }
    )
    refused = [table[["accession", "reason", "detail"]].rename(columns={"accession": "name"}) for table in rejected]
    return pd.concat([predicted, *refused], ignore_index=True)[list(COLUMNS)]
