"""Tables of the similar pairs of k-mers: anchors of heads, and what Halevi et al. found, compared with this model."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from spikegeometry.dataset.kmers import token_residues
from spikegeometry.stats.findings import Finding
from spikegeometry.stats.summaries import class_means, label_shares
from spikegeometry.stats.trends import layer_values, mean_interval

SOURCE = "Halevi et al. 2025, arXiv 2512.21956"
PLACES = ["layer", "head", "site", "measure", "variant", "top"]
SPECIAL = ("to_cls", "to_sep", "cls_relative", "sep_relative")
# The paper's similarity, and the one that neither long vectors nor the mean token rules.
MEASURES = {("dot", "as_is"): "dot products", ("cosine", "centred"): "mean-centred cosines"}


def context_table(
    measurements: pd.DataFrame,
    attention: pd.DataFrame,
    uniqueness: pd.DataFrame,
    classes: list[str],
    statistics: list[str],
    confidence: float,
) -> pd.DataFrame:
    """Means over the sequences of each class, by PLACES: of pairs, of anchors of a layer, of attention to [CLS], [SEP].

    `attention` has no measure, variant and share of pairs: these are missing in its rows.
    """
    parts = {
        "pairs": class_means(measurements, classes, PLACES, statistics, confidence),
        "anchors": class_means(uniqueness, classes, PLACES, ["uniqueness"], confidence) if len(uniqueness) else None,
        "attention": class_means(attention, classes, ["layer", "head"], list(SPECIAL), confidence).assign(site="head"),
    }
    return pd.concat([part for part in parts.values() if part is not None])[
        ["class", *PLACES, "statistic", "value", "n", "low", "high"]
    ]


def anchor_uniqueness(measurements: pd.DataFrame) -> pd.DataFrame:
    """Distinct anchors over heads (`uniqueness`) of each layer with two heads or more, for each sequence."""
    heads = measurements[(measurements["site"] == "head") & measurements["anchor"].notna()]
    places = ["class", "input", "layer", "measure", "variant", "top"]
    counts = heads.groupby(places)["anchor"].agg(["nunique", "count"]).reset_index()
    counts = counts[counts["count"] > 1]
    return counts.assign(uniqueness=counts["nunique"] / counts["count"], site="head", head=float("nan"))


def extreme_heads(measurements: pd.DataFrame) -> list[tuple[int, int]]:
    """The head (layer, head) of the first and the last layer whose range of similar cosines is furthest from chance."""
    rows = measurements[(measurements[["site", "measure", "variant"]] == ("head", "cosine", "centred")).all(axis=1)]
    reach = (rows.groupby(["layer", "head"])["long_range"].mean() - 1).abs()
    found = reach[reach.index.isin(reach.index.levels[0][[0, -1]], level="layer")].groupby("layer").idxmax().dropna()
    return [(int(layer), int(head)) for layer, head in found]


def anchor_table(
    measurements: pd.DataFrame, classes: list[str], vocabulary: list[str], k: int, stride: int, confidence: float
) -> pd.DataFrame:
    """The k-mer that is most often the anchor, in each head and class, of equals the first.

    Columns: class, the PLACES, anchor (1-based k-mer), first_residue and last_residue, kmer (the most frequent there),
    value (share of the sequences with this anchor) with n, low and high, and pair_share (mean share of a sequence's
    similar pairs that it is in, where it is the anchor).
    """
    known = measurements[measurements["anchor"].notna()]
    shares = label_shares(known, classes, PLACES, "anchor", confidence)
    order = ["class", *PLACES, "value", "anchor"]
    shares = shares.sort_values(order, ascending=[True] * (len(order) - 2) + [False, True], kind="stable")
    table = shares.drop_duplicates(["class", *PLACES]).drop(columns="statistic")
    distinct = known.drop_duplicates(["input", *PLACES])
    of_anchor = distinct.groupby([*PLACES, "anchor"], dropna=False).agg(
        kmer=("anchor_token", lambda ids: vocabulary[int(ids.mode().iloc[0])]), pair_share=("anchor_share", "mean")
    )
    table = table.merge(of_anchor.reset_index(), on=[*PLACES, "anchor"], how="left").astype({"anchor": int})
    table["first_residue"], table["last_residue"] = token_residues(table["anchor"], k, stride)
    columns = ["anchor", "first_residue", "last_residue", "kmer", "value", "n", "low", "high", "pair_share"]
    return table[["class", *PLACES, *columns]]


def context_findings(
    measurements: pd.DataFrame, attention: pd.DataFrame, uniqueness: pd.DataFrame, confidence: float
) -> list[Finding]:
    """What Halevi et al. say of range, domains, anchors and [SEP], each a mean over the classes.

    All tables have a row for each sequence and layer (and head), of one share of similar pairs.
    """

    def interval(values) -> dict[str, Any]:
        return mean_interval(values, confidence)

    found = []
    heads = measurements[measurements["site"] == "head"]
    for (measure, variant), words in MEASURES.items():
        rows = heads[(heads["measure"] == measure) & (heads["variant"] == variant)]
        distinct = uniqueness[(uniqueness["measure"] == measure) & (uniqueness["variant"] == variant)]
        found += [Finding(SOURCE, *claim) for claim in _claims(rows, distinct, words, interval)]
    relative = layer_values(attention, "sep_relative")
    first, last = relative.columns[[0, -1]]
    claim = "The last layers attend to [SEP]."
    level = f"attention to [SEP] in layer {last}, 1 if even"
    found.append(Finding(SOURCE, claim, level, **interval(relative[last]), side="above", bound=1))
    change = f"the same, layer {last} less layer {first}"
    found.append(Finding(SOURCE, claim, change, **interval(relative[last] - relative[first]), side="above", bound=0))
    return found


def _claims(rows: pd.DataFrame, uniqueness: pd.DataFrame, words: str, interval) -> Iterator[tuple]:
    """The arguments of each Finding after its source, for one measure of similarity."""
    reach = layer_values(rows, "long_range")
    first, last = reach.columns[[0, -1]]

    def claim(text: str, statistic: str, values, side: str, bound: float) -> tuple:
        return text, f"{statistic}; {words}", *interval(values).values(), side, bound

    range_ = "mean distance of similar pairs over that of all pairs"
    yield claim("Early layers join distant tokens.", f"{range_}, layer {first}", reach[first], "above", 1)
    yield claim(
        "Late layers join nearer tokens than early ones.",
        f"the same, layer {last} less layer {first}",
        reach[last] - reach[first],
        "below",
        0,
    )
    together = "Late layers join tokens of one sentence (here: protein domain)."
    for statistic, against in {"same_domain_ratio": "all pairs", "same_domain_matched_ratio": "as far apart"}.items():
        values = layer_values(rows, statistic)[last]
        of = "share of similar pairs within a domain over that of pairs"
        yield claim(
            together, f"{of} {against}, layer {last}".replace("pairs all pairs", "all pairs"), values, "above", 1
        )
    ratio = rows.assign(ratio=rows["anchor_share"] / rows["anchor_share_null"])
    values = layer_values(ratio, "ratio").mean(axis=1)
    yield claim(
        "Heads centre on a token.", "share of the pairs with the anchor over that of random pairs", values, "above", 1
    )
    values = layer_values(uniqueness, "uniqueness").mean(axis=1)
    yield claim("The heads of a layer centre on distinct tokens.", "distinct anchors / heads", values, "above", 0.5)
