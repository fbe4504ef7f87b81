"""The answers for genomes without a class: one row for each record that was read."""

import pandas as pd

COLUMNS = (
    *("name", "class", "probability", "abstain", "score", "gene_coverage", "unknown_kmers"),
    *("reason", "detail"),
)


def answer_table(
    predictions: pd.DataFrame, coverage: pd.Series, rejected: list[pd.DataFrame], classes: list[str]
) -> pd.DataFrame:
    """One row for each genome that was predicted, in their order, then for each that was rejected, with the reason.

    `predictions` is a table of predictions with score and abstain; `coverage` the share of the gene whose symbols are
    known, bases or deletions, by accession; `rejected` are tables with accession, reason and detail. Columns: name,
    class (the most probable, also where the classifier abstains from it), probability, abstain (yes, no), score,
    gene_coverage, unknown_kmers, reason, detail. What a rejected genome does not have is missing.
    """
    predicted = pd.DataFrame(
        {
            "name": predictions["accession"],
            "class": predictions["predicted"],
            "probability": predictions[[f"p_{name}" for name in classes]].max(axis=1).astype(float),
            "abstain": predictions["abstain"].map({True: "yes", False: "no"}),
            "score": predictions["score"].astype(float),
            "gene_coverage": predictions["accession"].map(coverage).astype(float),
            "unknown_kmers": predictions["unknown"],
            "reason": predictions["abstain"].map({True: "abstain", False: ""}),
            "detail": predictions["abstain"].map({True: "It is not enough like any of the classes.", False: ""}),
        }
    )
    refused = [table[["accession", "reason", "detail"]].rename(columns={"accession": "name"}) for table in rejected]
    return pd.concat([predicted, *refused], ignore_index=True)[list(COLUMNS)]
