"""The one form of predictions, whoever makes them."""

import numpy as np
import pandas as pd


def prediction_table(rows: pd.DataFrame, probabilities: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Predictions of the rows of a split, in their order.

    `rows` has accession, class, label (-1 where the class is none of `classes`) and unknown (tokens that are [UNK]);
    `probabilities` is (rows, classes). Columns: accession, class, label, predicted (the most probable class, the first
    of equals), correct, `p_<class>` for each class, unknown.
    """
    best = probabilities.argmax(axis=1)
    called = pd.DataFrame({"predicted": np.array(classes, dtype=object)[best], "correct": best == rows["label"]})
    shares = pd.DataFrame(probabilities, columns=[f"p_{name}" for name in classes])
    return pd.concat([rows[["accession", "class", "label"]], called, shares, rows[["unknown"]]], axis=1)
