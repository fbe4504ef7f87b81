"""Whether two classes differ in the attention that a head pays a domain.

That the interval of one class lies above a value and that of another does not is no test of their difference.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from spikegeometry.analyses.tables.domain_tests import PLACES


def pair_table(measurements: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The difference of log2_enrichment for each two classes: first less second, by Welch's test over distinct inputs.

    `measurements`: a row for each sequence and place (PLACES) with class, input, share and background. Columns: first,
    second, PLACES, difference (log2 fold change), low, high, p, q (Benjamini and Hochberg, over the heads and domains
    of two classes and a variant), n_first, n_second. The enrichment of a class is that of its mean share, as in
    `domain_table`, and its standard error is that of the mean share, to first order. Where a class has one input, pays
    a domain nothing, or neither varies, there is no row.
    """
    rows = measurements.drop_duplicates(["class", "input", *PLACES])
    of_classes = {}
    for name, part in rows.groupby("class", sort=False):
        shares = part.groupby(PLACES, sort=False)["share"].agg(["mean", "std", "count"])
        background = part.groupby(PLACES, sort=False)["background"].mean()
        with np.errstate(divide="ignore", invalid="ignore"):
            enrichment = np.log2(shares["mean"] / background)
            variance = (shares["std"] / (shares["mean"] * np.log(2))) ** 2 / shares["count"]
        of_classes[name] = pd.DataFrame({"enrichment": enrichment, "variance": variance, "n": shares["count"]})
    tables = []
    for first, second in combinations(of_classes, 2):
        both = of_classes[first].join(of_classes[second], lsuffix="_first", rsuffix="_second", how="inner")
        variance = both["variance_first"] + both["variance_second"]
        spread = [both[f"variance_{one}"] ** 2 / (both[f"n_{one}"] - 1) for one in ("first", "second")]
        with np.errstate(divide="ignore", invalid="ignore"):
            freedom = variance**2 / (spread[0] + spread[1])
            difference = both["enrichment_first"] - both["enrichment_second"]
            p = 2 * stats.t.sf(np.abs(difference) / np.sqrt(variance), freedom)
        half = stats.t.ppf((1 + confidence) / 2, freedom) * np.sqrt(variance)
        tested = both[["n_first", "n_second"]].assign(difference=difference, low=difference - half, p=p)
        tested = tested.assign(high=difference + half)[np.isfinite(difference) & np.isfinite(p)].reset_index()
        tables.append(tested.assign(first=first, second=second))
    columns = ["first", "second", *PLACES, "difference", "low", "high", "p", "q", "n_first", "n_second"]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
    corrected = table.groupby(["first", "second", "variant"], sort=False)["p"].transform(stats.false_discovery_control)
    return table.assign(q=corrected)[columns]
