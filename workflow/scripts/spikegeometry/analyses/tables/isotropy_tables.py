"""Tables of isotropy: statistics of pooled tokens with intervals, whether the measures agree, and claims about them."""

import pandas as pd

from spikegeometry.stats.findings import Finding
from spikegeometry.stats.ranges import RANGES, UNBOUNDED
from spikegeometry.stats.summaries import ALL_CLASSES, class_means
from spikegeometry.stats.trends import (
    class_jackknife,
    jackknife_interval,
    layer_values,
    mean_interval,
    rank_correlations,
)

CONTEXT = "Ethayarajh 2019, arXiv 1909.00512"
ROGUE = "Timkey and van Schijndel 2021, arXiv 2109.04404"
STORY = "Question of this analysis"
# Measures of a single sequence that grow where its tokens are less isotropic, and the sign that makes them so.
MEASURES = {"R": 1, "mean_cosine": 1, "isoscore": -1, "id": -1, "top1_variance": 1, "top3_variance_share": 1}
WORDS = {"mean_cosine": "mean cosine", "isoscore": "1 - IsoScore", "id": "less intrinsic dimension"}
WORDS |= {"top1_variance": "variance of the first component"}


def pooled_table(
    pooled: pd.DataFrame, left_out: pd.DataFrame, statistics: list[str], confidence: float
) -> pd.DataFrame:
    """Statistics of the tokens of all sequences of a class, with the jackknife's interval over these sequences.

    `pooled` has a row for each class and layer, `left_out` one for each class, layer and sequence that is left out.
    Columns: class, layer, statistic, value, n (sequences), low, high; what is not defined has no row.
    """
    groups = dict(list(left_out.groupby(["class", "layer"], sort=False)))
    rows = []
    for place in pooled.to_dict("records"):
        replicates = groups[place["class"], place["layer"]]
        for name in statistics:
            range_of = RANGES.get(name, UNBOUNDED)
            bounds = jackknife_interval(place[name], replicates[name].to_numpy(), confidence, range_of)
            rows.append((place["class"], place["layer"], name, place[name], len(replicates), *bounds))
    columns = ["class", "layer", "statistic", "value", "n", "low", "high"]
    return pd.DataFrame(rows, columns=columns).dropna(subset="value")


def isotropy_table(
    pooled: pd.DataFrame,
    left_out: pd.DataFrame,
    within: pd.DataFrame,
    classes: list[str],
    statistics: dict[str, list[str]],
    confidence: float,
) -> pd.DataFrame:
    """`pooled_table` and, as scope `sequence`, the means of what is measured within single sequences.

    `statistics` names those of each scope, and `exact` those of `pooled` that have no interval.
    """
    table = pooled_table(pooled, left_out, statistics["pooled"], confidence).assign(scope="pooled")
    exact = pooled.melt(["class", "layer", "n"], statistics["exact"], "statistic").dropna(subset="value")
    means = class_means(within, classes, ["layer"], statistics["sequence"], confidence).assign(scope="sequence")
    columns = ["class", "layer", "scope", "statistic", "value", "n", "low", "high"]
    return pd.concat([table, exact.assign(scope="pooled"), means])[columns]


def agreement_table(within: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Do the measures rank the layers alike? Mean over classes of Spearman's correlation over the layers.

    All MEASURES have the sign with which they grow with anisotropy, so that 1 is agreement. Columns: one, other, value,
    n, low, high.
    """
    values = {name: sign * layer_values(within, name) for name, sign in MEASURES.items()}
    rows = [
        {"one": one, "other": other} | mean_interval(group["correlation"], confidence, (-1, 1))
        for (one, other), group in rank_correlations(values).groupby(["one", "other"], sort=False)
    ]
    return pd.DataFrame(rows)[["one", "other", "value", "n", "low", "high"]]


def isotropy_findings(
    pooled: pd.DataFrame, left_out: pd.DataFrame, within: pd.DataFrame, agreement: pd.DataFrame, confidence: float
) -> list[Finding]:
    """Claims about anisotropy, context and rogue coordinates, and whether the measures tell the same story.

    The units are the classes; `left_out` has the class of the sequence that is left out as member_class.
    """
    layers = sorted(pooled["layer"].unique())
    first, last = layers[0], layers[-1]
    values = pooled[pooled["class"] == ALL_CLASSES].set_index("layer")
    replicates = left_out[left_out["class"] == ALL_CLASSES].pivot(index=["member_class", "input"], columns="layer")
    members = replicates.index.get_level_values("member_class")

    def change(statistic: str) -> tuple[float, float, float, int]:
        value = values.loc[last, statistic] - values.loc[first, statistic]
        of_left_out = (replicates[statistic, last] - replicates[statistic, first]).to_numpy()
        return value, *class_jackknife(value, of_left_out, members, confidence)

    def level(statistic: str) -> tuple[float, float, float, int]:
        of_left_out = replicates[statistic, last].to_numpy()
        value = values.loc[last, statistic]
        return value, *class_jackknife(value, of_left_out, members, confidence)

    between = f"layer {last} less layer {first}"
    cosine, few = "mean cosine of tokens of different sequences", "share of that cosine in three coordinates"
    context = "mean cosine of a k-mer's occurrences less that of all tokens"
    cones = layer_values(within, "R")
    found = [
        Finding(
            CONTEXT, "Upper layers are more anisotropic.", f"{cosine}, {between}", *change("mean_cosine"), "above", 0
        ),
        Finding(
            CONTEXT,
            "Upper layers are more anisotropic.",
            f"cone index R of the tokens of one sequence, {between}",
            **mean_interval(cones[last] - cones[first], confidence),
            side="above",
            bound=0,
        ),
        Finding(
            CONTEXT,
            "Upper layers make a word's vectors more specific to its context.",
            f"{context}, {between}",
            *change("adjusted_self_similarity"),
            "below",
            0,
        ),
        Finding(
            ROGUE,
            "A few coordinates rule the cosine.",
            f"{few}, layer {last}",
            *level("top3_cosine_share"),
            "above",
            0.5,
        ),
    ]
    of_cone = agreement[agreement["one"] == "R"].set_index("other")
    claim = "The cone index and the other measure rank the layers alike."
    for name, words in WORDS.items():
        statistic = f"Spearman's correlation over {len(layers)} layers of R and {words}, mean of the classes"
        value, low, high, n = of_cone.loc[name, ["value", "low", "high", "n"]]
        found.append(Finding(STORY, claim, statistic, value, low, high, n, "above", 0))
    return found
