"""How widely the attention of every head is spread, in every recorded sequence and in the means of classes."""

import numpy as np
import pandas as pd

from spikegeometry.analyses.study import Study
from spikegeometry.geometry.attention_entropy import SHARES, STATISTICS, paper_statistics, spread_variants
from spikegeometry.geometry.heads import token_numbers
from spikegeometry.model.activations import read_mean_attention
from spikegeometry.stats.summaries import Records, class_means, label_shares, measurement_table

PLACES = ["layer", "head", "variant"]


def measure(study: Study, attention: str, mass: float, histogram_bins: int) -> dict[str, pd.DataFrame]:
    """Entropies and sizes of the attention of each head, and the paper's histogram entropy of the class means.

    Parameters
    ----------
    study: a network and its recorded sequences.
    attention: attention_mean.npz of the activations.
    mass: the share of its attention by whose tokens a query's spread is counted.
    histogram_bins: of the paper's entropy of the values of a map.

    Returns
    -------
    table: means by class, layer, head and variant, with intervals, shares of the regimes, and the statistics of class
    means (variant `class_mean`). sequences: in each sequence. tokens: normalised entropy by token. sizes: histogram of
    the share of tokens that hold `mass`.
    """
    classes, heads, confidence = study.classes, study.heads, study.confidence
    bins = {"head": np.repeat(heads, len(SHARES)), "share": np.tile(SHARES, len(heads))}
    of_heads, of_tokens, of_sizes, of_means = Records(), Records(), Records(), Records()
    for sequence, hidden in study.sequences():
        for layer in study.layers:
            place = sequence | {"layer": layer}
            variants = spread_variants(study.maps(hidden, layer), mass)
            for variant, spread in variants.items():
                of_heads.append(
                    place | {"head": heads, "variant": variant, "regime": spread.regimes} | spread.statistics
                )
            raw = variants["raw"]
            of_tokens.append(place | {"token": token_numbers(hidden.shape[1]), "H_norm": raw.entropy_by_token})
            of_sizes.append(place | bins | {"queries": raw.share_histogram.flatten()})
    for name, count, means in read_mean_attention(attention, classes):
        for layer in study.layers:
            place = {"class": name, "layer": layer, "head": heads, "variant": "class_mean", "n": count}
            of_means.append(place | paper_statistics(means[layer - 1, study.rows], histogram_bins))

    measurements = measurement_table(of_heads)
    shares = label_shares(measurements, classes, PLACES, "regime", confidence)
    means = class_means(measurements, classes, PLACES, list(STATISTICS), confidence)
    paper = measurement_table(of_means).melt(["class", *PLACES, "n"], var_name="statistic")
    return {
        "table": pd.concat([shares, means, paper]),
        "sequences": measurements,
        "tokens": class_means(measurement_table(of_tokens), classes, ["layer", "token"], ["H_norm"], confidence),
        "sizes": class_means(measurement_table(of_sizes), classes, ["layer", "head", "share"], ["queries"], confidence),
    }
