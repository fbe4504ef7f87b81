"""Which head pays a domain most, beside what heads pay it in the median."""

import pandas as pd


def top_heads(table: pd.DataFrame) -> pd.DataFrame:
    """The head with the largest mean share of each class, variant and domain, the first of equal ones.

    `table` from `domain_tests.domain_table`. Columns: class, variant, domain, layer, head,
    share, low, high, n (of that head), median (of the mean shares of all heads), heads (their number). The head is
    chosen because its share is largest, so that it is above the median in any network.
    """
    shares = table[table["statistic"] == "share"].rename(columns={"value": "share"})
    groups = shares.groupby(["class", "variant", "domain"], sort=False)["share"]
    shares = shares.assign(median=groups.transform("median"), heads=groups.transform("size"))
    columns = ["class", "variant", "domain", "layer", "head", "share", "low", "high", "n", "median", "heads"]
    return shares.loc[groups.idxmax(), columns].reset_index(drop=True)
