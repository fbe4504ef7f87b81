"""The answers for genomes without a class: one row for each record that was read."""

import numpy as np
import pandas as pd

from spikegeometry.sequences.mutations import protein_mutations

COLUMNS = (
    *("name", "class", "probability", "runner_up", "runner_up_probability", "abstain", "score", "margin"),
    *("gene_coverage", "unknown_kmers", "mutations", "defining", "nearest", "nearest_class", "nearest_differences"),
    *("nearest_compared", "carried_by", "reason", "detail"),
)
NEAREST = ["nearest", "nearest_class", "nearest_differences", "nearest_compared"]
DEFINITIONS = ["class", "mutation", "first", "last", "symbol"]
# Mutations that are named as carrying an answer, at most, and what each carries at least.
CARRIERS, LEAST = 5, 0.01


def described_genes(spikes: pd.DataFrame, gene: str) -> pd.DataFrame:
    """Of each gene sequence of a table of them, by accession: coverage, and mutations (in the protein, joined by `; `).

    `gene` is the reference's. `projected` stays, for `defining`.
    """
    changes = (spikes[column].fillna("") for column in ("projected", "insertions", "deletions"))
    mutations = [
        "; ".join(protein_mutations(projected, insertions, deletions, gene))
        for projected, insertions, deletions in zip(*changes, strict=True)
    ]
    return pd.DataFrame(
        {
            "coverage": 1 - spikes["n_fraction"].to_numpy(),
            "mutations": mutations,
            "projected": spikes["projected"].to_numpy(),
        },
        index=pd.Index(spikes["accession"]),
    )


def defining(projected: str, definitions: pd.DataFrame) -> str:
    """Which of the mutations that define a class a gene has, in words: `8 of 9, without N501Y; not known: P681H`.

    `definitions` are those of the class: mutation (in the protein), first and last (1-based bases of the gene), and the
    symbol that stands there. A mutation is there where each of its bases is the symbol, and not known where one is
    neither a base nor a deletion. "" where nothing defines the class.
    """
    if definitions.empty:
        return ""
    seen = [
        (row.mutation, projected[row.first - 1 : row.last], row.symbol) for row in definitions.itertuples(index=False)
    ]
    unknown = [name for name, found, _ in seen if set(found) - set("ACGT-")]
    without = [name for name, found, symbol in seen if name not in unknown and set(found) != {symbol}]
    text = f"{len(seen) - len(unknown) - len(without)} of {len(seen)}"
    text += f", without {', '.join(without)}" if without else ""
    return text + (f"; not known: {', '.join(unknown)}" if unknown else "")


def carriers(reversions: pd.DataFrame) -> pd.Series:
    """By accession, the mutations without which the answer is least probable, with what each carries of its logarithm.

    `reversions`: accession, mutation and carried (`model.reversion.carried`).
    """
    ranked = reversions[reversions["carried"] >= LEAST].sort_values("carried", ascending=False, kind="stable")
    named = zip(ranked["mutation"], ranked["carried"], strict=True)
    texts = pd.Series([f"{name} {value:+.2f}" for name, value in named], index=ranked.index, dtype=str)
    return texts.groupby(ranked["accession"]).agg(lambda found: "; ".join(found[:CARRIERS]))


def answer_table(
    predictions: pd.DataFrame,
    genes: pd.DataFrame,
    rejected: list[pd.DataFrame],
    classes: list[str],
    definitions: pd.DataFrame,
    nearest: pd.DataFrame,
    reversions: pd.DataFrame,
) -> pd.DataFrame:
    """One row for each genome that was predicted, in their order, then for each that was rejected, with the reason.

    `predictions` is a table of predictions with score, margin and abstain; `genes` has by accession the coverage, which
    is the share of the gene whose symbols are known, bases or deletions, the mutations of the protein and the projected
    sequence; `rejected` are tables with accession, reason and detail; `definitions` are of every class, with its name
    (`defining`); `nearest` has accession and NEAREST; `reversions` are as for `carriers`.

    Columns: name, class (the most probable, also where the classifier abstains from it), probability, runner_up (the
    next class) and its probability, abstain (yes, no), score, margin (the score less the class's threshold: abstained
    from under 0), gene_coverage, unknown_kmers, mutations, defining (of the class), the nearest training sequence with
    its class, the bases that differ and those that both know, carried_by, reason, detail. What a rejected genome does
    not have is missing.
    """
    shares = predictions[[f"p_{name}" for name in classes]].to_numpy(float)
    ranked = np.argsort(-shares, axis=1, kind="stable")[:, :2]
    best, next_best = np.take_along_axis(shares, ranked, axis=1).T
    names = predictions["accession"]
    of_class = dict(iter(definitions.groupby("class")))
    near = nearest.set_index("accession").reindex(names)
    predicted = pd.DataFrame(
        {
            "name": names,
            "class": predictions["predicted"],
            "probability": best,
            "runner_up": np.array(classes, dtype=object)[ranked[:, 1]],
            "runner_up_probability": next_best,
            "abstain": predictions["abstain"].map({True: "yes", False: "no"}),
            "score": predictions["score"].astype(float),
            "margin": predictions["margin"].astype(float),
            "gene_coverage": names.map(genes["coverage"]).astype(float),
            "unknown_kmers": predictions["unknown"],
            "mutations": names.map(genes["mutations"]),
            "defining": [
                defining(projected, of_class.get(name, definitions[:0]))
                for projected, name in zip(names.map(genes["projected"]), predictions["predicted"], strict=True)
            ],
            **{column: near[column].to_numpy() for column in NEAREST},
            "carried_by": names.map(carriers(reversions)),
            "reason": predictions["abstain"].map({True: "abstain", False: ""}),
            "detail": predictions["abstain"].map({True: "It is not enough like any of the classes.", False: ""}),
        }
    )
    refused = [table[["accession", "reason", "detail"]].rename(columns={"accession": "name"}) for table in rejected]
    answers = pd.concat([predicted, *refused], ignore_index=True)[list(COLUMNS)]
    return answers.astype(dict.fromkeys(NEAREST[2:], "Int64"))
