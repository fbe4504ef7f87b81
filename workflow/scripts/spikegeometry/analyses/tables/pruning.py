"""Which heads to go without: their importance by gradients, orders of removal, and what each order costs."""

import numpy as np
import pandas as pd
from scipy import stats

from spikegeometry.analyses.tables.ablation import (
    SIGNIFICANT,
    STATISTICS,
    Intervals,
    Outcomes,
    change_tests,
    long_rows,
    paired_changes,
    scores,
)
from spikegeometry.streams import Stream


def layer_normalised(importance: np.ndarray) -> np.ndarray:
    """Importance (..., L, H) over the root of the sum of squares of its layer's; 0 where a layer has none.

    Michel et al. 2019 (arXiv 1905.10650), section 4.1, after Molchanov et al. 2017.
    """
    norm = np.linalg.norm(importance, axis=-1, keepdims=True)
    return np.divide(importance, norm, out=np.zeros_like(importance), where=norm > 0)


def at_places(values: np.ndarray, places: pd.DataFrame) -> np.ndarray:
    """Those of `values` (..., L, H) that are of the heads at `places` (layer and head, 1-based): (..., places)."""
    return values[..., places["layer"].to_numpy(dtype=int) - 1, places["head"].to_numpy(dtype=int) - 1]


def importance_table(gradients: np.ndarray, places: pd.DataFrame, d_log: np.ndarray, how: Intervals) -> pd.DataFrame:
    """Importance of the heads at `places` (layer and head, 1-based), and whether it tells what their loss does.

    `gradients` (m, L, H): derivatives of the loss of m sequences by the gates of all heads; `d_log` (places, n): change
    of the log-probability of n other sequences without the head. Columns: layer, head, STATISTICS, of importance (mean
    size of the derivative, `layer_normalised`) and gradient (that mean itself); and one row `spearman`, the rank
    correlation of importance with the mean loss, whose interval resamples the n sequences.
    """
    m, n = len(gradients), d_log.shape[1]
    weights = np.concatenate([np.ones((1, m)), how.weights(m)])
    gradient = np.einsum("bm,mlh->blh", weights, np.abs(gradients)) / weights.sum(axis=1)[:, None, None]
    rows = []
    for statistic, values in {"importance": layer_normalised(gradient), "gradient": gradient}.items():
        of_places = at_places(values, places)
        for place, each in zip(places[["layer", "head"]].to_dict("records"), of_places.T, strict=True):
            rows.append((place, statistic, each[0], *how.percentiles(each[1:], m)))
    losses = np.concatenate([np.ones((1, n)), how.weights(n)]) @ -d_log.T
    importance = at_places(layer_normalised(gradient)[0], places)
    found = _correlation(stats.rankdata(losses, axis=1), stats.rankdata(importance))
    spearman = long_rows([({}, "spearman", found[0], *how.percentiles(found[1:], n))], n)
    return pd.concat([long_rows(rows, m), spearman])[["layer", "head", *STATISTICS]]


def _correlation(several: np.ndarray, one: np.ndarray) -> np.ndarray:
    """Pearson's correlation (B,) of the rows of `several` (B, H) with `one` (H,), NaN where either is constant."""
    several, one = several - several.mean(axis=1, keepdims=True), one - one.mean()
    scale = np.sqrt((several**2).sum(axis=1) * (one**2).sum())
    return np.divide(several @ one, scale, out=np.full(len(several), np.nan), where=scale > 0)


def removal_orders(
    gradients: np.ndarray, places: pd.DataFrame, log_probability: np.ndarray, repeats: int, seed: int
) -> dict[str, list[np.ndarray]]:
    """Orders in which the heads at `places` are removed, as numbers of rows of it, by name.

    importance: the least important first, by `gradients` as in `importance_table`; effect: the head first without which
    `log_probability` (places, n) is highest in the mean; random: so many `repeats`.
    """
    importance = at_places(layer_normalised(np.abs(gradients).mean(axis=0)), places)
    return {
        "importance": [np.argsort(importance, kind="stable")],
        "effect": [np.argsort(-log_probability.mean(axis=1), kind="stable")],
        "random": [
            np.random.default_rng([seed, Stream.PRUNING_ORDER, repeat]).permutation(len(places))
            for repeat in range(repeats)
        ],
    }


def pruning_curves(
    gradients: np.ndarray, places: pd.DataFrame, log_probability: np.ndarray, repeats: int, steps: int, seed: int
) -> pd.DataFrame:
    """A row for each of `removal_orders` and step, from none to all heads removed in `steps` equal steps.

    Columns: order, repeat (1-based), removed (how many heads are gone), gone (they, as pairs of layer and head).
    """
    pairs = [(int(layer), int(head)) for layer, head in zip(places["layer"], places["head"], strict=True)]
    rows = [
        (name, repeat, removed, tuple(sorted(pairs[head] for head in order[:removed])))
        for name, several in removal_orders(gradients, places, log_probability, repeats, seed).items()
        for repeat, order in enumerate(several, start=1)
        for removed in sorted({round(len(order) * step / steps) for step in range(steps + 1)})
    ]
    return pd.DataFrame(rows, columns=["order", "repeat", "removed", "gone"])


def curve_table(curve: pd.DataFrame, before: Outcomes, after: Outcomes, how: Intervals) -> pd.DataFrame:
    """What is left when so many heads are gone.

    `curve` has order (its name), repeat and removed (heads gone) of each variant of `after`. Columns: these and
    STATISTICS, as in `change_table`; and for each curve `removable`, the most heads that are gone before the first
    step at which accuracy is really lower: p under SIGNIFICANT, which is not corrected for the number of steps.
    """
    tables = [part(curve, before, after, how) for part in (paired_changes, change_tests, scores)]
    lower = after.correct.sum(axis=1) < before.correct.sum()
    tests = tables[1][tables[1]["statistic"] == "p_accuracy"].set_index(curve.index)
    steps = curve.assign(falls=(tests["value"] < SIGNIFICANT) & lower).sort_values("removed")
    ends = steps.groupby(["order", "repeat"], sort=False).apply(
        lambda rows: rows.loc[~rows["falls"].cummax(), "removed"].max(), include_groups=False
    )
    removable = ends.rename("value").reset_index().assign(statistic="removable", n=len(before.labels))
    return pd.concat([*tables, removable])[["order", "repeat", "removed", *STATISTICS]]
