"""The sentences with numbers of a run that stand first in the captions of its report."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from spikegeometry.report.cells import select
from spikegeometry.report.front import (
    comparison,
    learning,
    near_to_training,
    of_set,
    out_of_class,
    what_went_in,
)

# Along these a statistic is told first and last, in these words; along others its smallest and largest value.
ORDERED = {"layer": "at layer", "positions": "at a number of"}


@dataclass(frozen=True)
class Headline:
    """A statistic that sums an analysis up: what it is called, the labels of its rows, and along what it is told."""

    words: str
    where: dict[str, str]
    along: str = "layer"


KMERS = {"variant": "kmers"}
HEADLINES = {
    "activation_distributions": Headline(
        "Excess kurtosis of a k-mer's coordinates",
        {"site": "output", "unit": "token", "token": "k-mers", "variant": "all", "statistic": "kurtosis"},
    ),
    "attention_domains": Headline(
        "Attention to a part of the protein against its share of the k-mers, log2",
        KMERS | {"statistic": "log2_enrichment"},
        "domain",
    ),
    "attention_entropy": Headline(
        "Entropy of attention, 1 where it is uniform", KMERS | {"regime": "", "statistic": "H_norm"}
    ),
    "attention_flow": Headline(
        "Spearman's correlation of rollout with gradient times input", {"statistic": "spearman_rollout"}, "class"
    ),
    "attention_gates": Headline("Attention to [CLS] and [SEP]", {"variant": "raw", "label": "", "statistic": "sink"}),
    "attention_maps": Headline("Attention of a token to itself", {"statistic": "to_self"}),
    "clustering": Headline(
        "Share of sequences whose nearest neighbours by [CLS] are of their class",
        {"site": "cls", "method": "neighbours", "statistic": "accuracy"},
    ),
    "cone_index": Headline(
        "R of a block's output", {"site": "output", "axis": "tokens", "variant": "all", "statistic": "R"}
    ),
    "one_vs_all": Headline(
        "F1 of a logistic regression on the tokens that get most attention",
        {"ranking": "attention", "classifier": "logistic", "statistic": "f1"},
        "positions",
    ),
    "singular_values": Headline("Effective rank of an attention map", {"site": "A", "statistic": "effective_rank"}),
    "subspace_directionality": Headline(
        "Directionality of the query-key form", {"model": "finetuned", "form": "head", "statistic": "directionality"}
    ),
    "token_divergence": Headline(
        "Share of tokens that differ from the reference's",
        {"set": "run", "coordinates": "projected", "version": "as_is", "statistic": "differing"},
        "class",
    ),
    "vector_norms": Headline(
        "Norm of a block's inputs", {"site": "X", "variant": "all", "head": "", "statistic": "mean"}
    ),
    "weight_statistics": Headline(
        "Relative change of weights by fine-tuning", {"model": "finetuned", "statistic": "relative_change"}, "site"
    ),
}


def first_headline(table: pd.DataFrame) -> Headline:
    """The first statistic of a table, by layer or by class: of an analysis that HEADLINES does not know."""
    statistic = table["statistic"].iloc[0]
    words = str(statistic).replace("_", " ").capitalize()
    return Headline(words, {"statistic": statistic}, "layer" if "layer" in table else "class")


def headline(wanted: Headline, table: pd.DataFrame) -> str:
    """A sentence on the means, over classes and heads, of a statistic; "" where the table has no row of it."""
    rows = select(table, wanted.where)
    rows = rows[rows["value"].notna() & rows[wanted.along].notna()]
    if rows.empty:
        return ""
    means = rows.groupby(wanted.along, sort=wanted.along in ORDERED)["value"].mean()
    if wanted.along in ORDERED:
        ends = dict.fromkeys((means.index[0], means.index[-1]))
        return f"{wanted.words}: {', '.join(f'{means[end]:.3g} {ORDERED[wanted.along]} {end:.0f}' for end in ends)}."
    least, most = means.idxmin(), means.idxmax()
    span = f"from {means[least]:.3g} ({least}) to {means[most]:.3g} ({most})"
    return f"{wanted.words}: {span}, {means.mean():.3g} on average."


def claims_of(findings: pd.DataFrame) -> str:
    """A sentence on the verdicts of an analysis, with the first claim that was decided; "" without a finding."""
    if findings.empty:
        return ""
    counts = ", ".join(f"{n} {verdict}" for verdict, n in findings["verdict"].value_counts().items())
    decided = findings[findings["verdict"].isin(["supported", "contradicted"]) & findings["value"].notna()]
    text = f"Claims compared: {counts}."
    if decided.empty:
        return text
    one = decided.iloc[0]
    interval = "" if pd.isna(one["low"]) else f" [{one['low']:.3g}, {one['high']:.3g}]"
    claim = str(one["claim"]).rstrip(".")
    return f"{text} {str(one['verdict']).capitalize()}: {claim} ({one['value']:.3g}{interval}, n = {one['n']:.0f})."


def computed_results(
    analyses: Mapping[str, pd.DataFrame],
    findings: pd.DataFrame,
    counts: pd.DataFrame,
    splits: pd.DataFrame,
    metrics: pd.DataFrame,
    abstention: pd.DataFrame,
    tries: pd.DataFrame,
    leakage: pd.DataFrame,
    kmers: int,
) -> dict[str, str | dict[str, str]]:
    """Of each caption, by its name, one or two sentences, or one for each evaluated set.

    `analyses`: the main table of each active one; `kmers`: how many k-mers the vocabulary has; the other tables as of
    `report.front.front_page`.
    """
    found: dict[str, str | dict[str, str]] = {}
    for name, table in analyses.items():
        compared = findings[findings["analysis"] == name]
        if name in HEADLINES or compared.empty:
            found[name] = headline(HEADLINES.get(name) or first_headline(table), table)
        else:
            found[name] = claims_of(compared)
    went_in, learnt = what_went_in(counts, splits), learning(tries)
    found |= dict.fromkeys(("genomes", "genomes_rejected", "spikes", "spikes_rejected", "splits"), went_in)
    found |= dict.fromkeys(("training", "tries"), learnt)
    found |= {"leakage": near_to_training(leakage), "kmer_ranks": f"The training split has {kmers:,} distinct k-mers."}
    sets = {name: of_set(metrics, name) for name in dict.fromkeys(metrics["set"])} | {"all": comparison(metrics)}
    found |= dict.fromkeys(("metrics", "confusion", "curves", "calibration"), sets)
    found["abstention"] = {
        name: out_of_class(abstention[abstention["set"] == name]) for name in dict.fromkeys(abstention["set"])
    } | {"all": out_of_class(abstention)}
    return found
