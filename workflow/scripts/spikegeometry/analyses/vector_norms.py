"""Norms of the queries, keys, values, outputs and inputs of every head, against their bounds."""

from collections.abc import Iterator

import pandas as pd

from spikegeometry.analyses.study import Study
from spikegeometry.geometry.heads import token_numbers
from spikegeometry.geometry.vector_norms import STATISTICS, statistics, stretches, vector_norms
from spikegeometry.stats.summaries import TokenMeans, class_means, measurement_table

PLACES = ["layer", "head", "site", "variant"]
VARIANTS = {"all": slice(None), "without_special": slice(1, -1)}


def measure(study: Study) -> dict[str, pd.DataFrame]:
    """Means and spreads of norms at each site, and how they go with attention.

    Returns
    -------
    table: means by class, layer, head, site and variant, with intervals. sequences: in each sequence. tokens: means by
    layer, head, site and token.
    """
    of_tokens = TokenMeans(study.heads, token_numbers(study.recorded.sequences["length"].max()))
    measurements = measurement_table(_norms(study, of_tokens))
    return {
        "table": class_means(measurements, study.classes, PLACES, list(STATISTICS), study.confidence),
        "sequences": measurements,
        "tokens": of_tokens.table(),
    }


def _norms(study: Study, of_tokens: TokenMeans) -> Iterator[dict]:
    largest = {layer: stretches(study.weights[layer - 1], study.shape.heads) for layer in study.layers}
    for sequence, hidden in study.sequences():
        for layer in study.layers:
            below, block = hidden[layer - 1], study.weights[layer - 1]
            found = vector_norms(below, study.tensors(hidden, layer), block, largest[layer], study.rows)
            for site, norms in found.items():
                of_tokens.add(sequence["input"], layer, site, norms.length.numpy())
                place = sequence | {"layer": layer, "head": None if site == "X" else study.heads, "site": site}
                for variant, tokens in VARIANTS.items():
                    yield place | {"variant": variant} | statistics(norms, found["A"], tokens)
