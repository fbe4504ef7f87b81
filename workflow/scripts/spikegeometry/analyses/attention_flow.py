"""Attention followed from a token of the last layer down to the input tokens of every recorded sequence."""

from typing import Literal

import numpy as np
import pandas as pd

from spikegeometry.analyses.study import Study
from spikegeometry.dataset.domains import read_domains, token_places
from spikegeometry.geometry import attention_flow as geometry
from spikegeometry.geometry.heads import attention_maps, token_numbers
from spikegeometry.geometry.rollout import mixed_maps, rollout_by_layer
from spikegeometry.geometry.selection import choose
from spikegeometry.model.weights import read_head
from spikegeometry.stats.summaries import Records, class_means, measurement_table


def measure(
    study: Study,
    domains: str,
    source: int,
    weights: Literal["attention", "norms"],
    residual: float,
    exact_sinks: int,
    k: int,
    stride: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Rollout, bounds of the maximum flow and |gradient x input| of each input token (Abnar and Zuidema 2020).

    Parameters
    ----------
    study: a network and its recorded sequences.
    domains: table of parts of the protein.
    source: token number of the last layer from which attention is followed; 0 is [CLS].
    weights: by what heads are averaged; residual: share of the residual stream in each layer.
    exact_sinks: input tokens at which bounds are checked, in the first sequence of each class.
    k, stride: of the k-mers, in bases.

    Returns
    -------
    table: means by class and token, with intervals; token is missing for statistics of whole sequences. sequences: in
    each sequence. layers: rollout by layer and token.
    """
    shape, classes, confidence = study.shape, study.classes, study.confidence
    classifier = read_head(study.folder)
    of_tokens, of_layers, of_sequences, checked = Records(), Records(), Records(), set()
    for sequence, hidden in study.sequences():
        mixes = mixed_maps(hidden, study.weights, shape.heads, shape.eps, study.rows, weights, residual)
        n, numbers = hidden.shape[1], token_numbers(hidden.shape[1])
        (origin,) = choose([source], numbers[:-1], "analyses.attention_flow.source")
        drawn, whole = geometry.follow(mixes, origin)
        importance = geometry.gradient_times_input(hidden[0], study.weights, classifier, shape)
        last = attention_maps(hidden[-2], study.weights[-1], shape.heads)[study.rows, origin].mean(dim=0)
        whole |= geometry.rank_correlations(drawn | {"attention": last}, importance)
        drawn |= {"gradient_input": importance}
        name = sequence["class"]
        wanted = 0 if name in checked else min(n, exact_sinks)
        checked.add(name)
        sample = np.random.default_rng([seed, study.all_classes.index(name)]).choice(n, wanted, replace=False)
        exact, gaps = geometry.check_bounds(mixes, origin, drawn["flow_bound"], sample.tolist())
        of_tokens.append(sequence | {"token": numbers} | drawn | {"flow_exact": exact})
        of_sequences.append(sequence | {"token": np.nan} | whole | gaps)
        for layer, rolled in enumerate(rollout_by_layer(mixes, origin), start=1):
            of_layers.append(sequence | {"layer": layer, "token": numbers, "rollout": rolled})

    places = token_places(read_domains(domains), study.recorded.tokens.shape[1] - 2, k, stride)
    measurements = measurement_table(of_tokens).merge(places, "left", "token")
    means = class_means(measurements, classes, ["token"], [*drawn, "flow_exact"], confidence)
    overall = class_means(measurement_table(of_sequences), classes, ["token"], [*whole, *gaps], confidence)
    return {
        "table": pd.concat([overall, means]).merge(places, "left", "token"),
        "sequences": measurements,
        "layers": class_means(measurement_table(of_layers), classes, ["layer", "token"], ["rollout"], confidence),
    }
