"""Tables of how far the heads of the fine-tuned model are from those of others, and what Kovaleva et al. found there.

`measurements` has a row for each sequence, other model (`against`), layer and head.
"""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from spikegeometry.stats.findings import Finding, mean_finding
from spikegeometry.stats.summaries import class_means
from spikegeometry.stats.trends import over_classes

STATISTICS = ("cosine", "matched", "chance", "js", "weight_change")
KOVALEVA = "Kovaleva et al. 2019, arXiv 1908.08593"
# A correlation from which one set of heads tells more than half of the variance of the other.
MOST_OF_THE_VARIANCE = 0.5**0.5


def matched_heads(measurements: pd.DataFrame, heads: int) -> pd.DataFrame:
    """The partner of each head among the heads of the other model, and its cosine in each sequence.

    The columns cosine_1 and so on are the cosines with each of the `heads` of the other model. Within a layer no two
    heads have the same partner, and the sum of the cosines, averaged over distinct inputs, is the largest there is.

    Columns: matched_head and matched, in the rows of `measurements`.
    """
    places, columns = ["against", "layer", "head"], [f"cosine_{head}" for head in range(1, heads + 1)]
    means = measurements.drop_duplicates(["input", *places]).groupby(places)[columns].mean()
    partners: dict[tuple, int] = {}
    for (against, layer), cosines in means.groupby(["against", "layer"]):
        rows, chosen = linear_sum_assignment(cosines.to_numpy(), maximize=True)
        own = cosines.index.get_level_values("head")[rows]
        partners |= {(against, layer, head): column for head, column in zip(own, chosen, strict=True)}
    partner = np.array([partners[place] for place in measurements[places].itertuples(index=False, name=None)])
    cosine = measurements[columns].to_numpy()[np.arange(len(measurements)), partner]
    return pd.DataFrame({"matched_head": partner + 1, "matched": cosine}, index=measurements.index)


def shift_table(
    measurements: pd.DataFrame, outputs: pd.DataFrame, classes: list[str], confidence: float
) -> pd.DataFrame:
    """Means of each head and, without a head, of each layer: over its heads, and `cka` of its outputs.

    `measurements` with the columns of `matched_heads`; `outputs`: cka of each sequence, other model and layer, with the
    embeddings as layer 0. Columns as of `class_means`.
    """
    places = ["against", "layer"]
    keys = ["class", "sequence", "input", *places]
    by_layer = measurements.groupby(keys, sort=False)[list(STATISTICS)].mean().reset_index()
    both = outputs.merge(by_layer, on=keys, how="left")
    heads = class_means(measurements, classes, [*places, "head"], [*STATISTICS, "matched_head"], confidence)
    return pd.concat([heads, class_means(both, classes, places, [*STATISTICS, "cka"], confidence)])


def shift_findings(measurements: pd.DataFrame, attention: pd.DataFrame, depth: int, confidence: float) -> list[Finding]:
    """Findings from what fine-tuning changed, means over the classes; equal inputs count once in a class.

    `measurements`: class, input, against, layer, head, cosine, js; `attention`: class, input, model, layer, head,
    to_cls, to_sep; `depth`: layers of the model.
    """
    places = ["class", "input", "layer", "head"]
    rows = measurements[measurements["against"] == "pretrained"].drop_duplicates(places)
    last = rows["layer"] > depth - 2
    last, others = (
        over_classes(rows[chosen].groupby(["class", "input"])[["cosine", "js"]].mean()) for chosen in (last, ~last)
    )
    special = attention.assign(special=attention["to_cls"] + attention["to_sep"]).drop_duplicates(["model", *places])
    by_model = special.pivot(index=places, columns="model", values="special")
    by_input = by_model.groupby(["class", "input"])
    inherited = over_classes(by_input.apply(lambda heads: _correlation(heads["pretrained"], heads["finetuned"])))
    layers = "the last two layers"
    return [
        mean_finding(
            KOVALEVA,
            "Fine-tuning changes the attention of the last two layers most.",
            f"mean cosine of the attention before and after, the other layers less {layers}",
            others["cosine"] - last["cosine"],
            "above",
            0,
            confidence,
            (-2, 2),
        ),
        mean_finding(
            KOVALEVA,
            "Fine-tuning changes the attention of the last two layers most (by divergence).",
            f"mean Jensen-Shannon divergence of the attention before and after, bits, {layers} less the others",
            last["js"] - others["js"],
            "above",
            0,
            confidence,
            (-1, 1),
        ),
        mean_finding(
            KOVALEVA,
            "Attention to special tokens is inherited from pre-training.",
            "correlation over the heads of the attention to [CLS] and [SEP] before and after",
            inherited,
            "above",
            MOST_OF_THE_VARIANCE,
            confidence,
            (-1, 1),
        ),
    ]


def _correlation(one: pd.Series, other: pd.Series) -> float:
    """Pearson's; NaN where one does not vary or there are fewer than three heads."""
    if len(one) < 3 or one.min() == one.max() or other.min() == other.max():
        return np.nan
    return one.corr(other)
