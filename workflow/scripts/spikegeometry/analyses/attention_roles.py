"""The classes of heads of Kovaleva et al. 2019 in every recorded sequence, and what special tokens get."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from spikegeometry.analyses.study import Study
from spikegeometry.analyses.tables.head_roles import layer_means, modal_roles, role_findings
from spikegeometry.geometry.attention_roles import PATTERNS, ROLES, role_labels, role_scores
from spikegeometry.geometry.heads import kmer_maps
from spikegeometry.geometry.patterns import SHARES, gate_scores, special_shares
from spikegeometry.stats.findings import findings_table
from spikegeometry.stats.summaries import class_means, label_shares, measurement_table

PLACES = ["layer", "head", "variant"]


def measure(study: Study) -> dict[str, pd.DataFrame]:
    """Role of each head, among all tokens (variant `raw`) and among k-mers alone (`kmers`).

    Returns
    -------
    table: shares of the roles and means of their scores by class, layer, head and variant, with intervals; the modal
    role of each head; means by layer. sequences: in each sequence. findings.
    """
    measurements = measurement_table(_roles(study))
    classes, confidence = study.classes, study.confidence
    means = class_means(measurements, classes, PLACES, [*ROLES, *SHARES], confidence)
    shares = label_shares(measurements, classes, PLACES, "role", confidence)
    by_layer = layer_means(measurements, classes, ROLES, SHARES, confidence)
    return {
        "table": pd.concat([shares, modal_roles(shares, ROLES), means, by_layer]),
        "sequences": measurements,
        "findings": findings_table(role_findings(measurements, PATTERNS, study.shape.layers, confidence)),
    }


def _roles(study: Study) -> Iterator[dict]:
    for sequence, hidden in study.sequences():
        for layer in study.layers:
            maps = study.maps(hidden, layer)
            shares = {"raw": special_shares(maps), "kmers": dict.fromkeys(SHARES, np.nan)}
            for variant, chosen in {"raw": maps, "kmers": kmer_maps(maps)[0]}.items():
                scores = role_scores(gate_scores(chosen))
                place = {"layer": layer, "head": study.heads, "variant": variant, "role": role_labels(scores)}
                yield sequence | place | scores | shares[variant]
