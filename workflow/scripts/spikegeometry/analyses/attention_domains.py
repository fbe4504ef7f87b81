"""How much attention goes into each domain of the protein, tested against turns of the same attention."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.study import Study
from spikegeometry.analyses.tables.domain_pairs import pair_table
from spikegeometry.analyses.tables.domain_tests import contrast_table, domain_table
from spikegeometry.analyses.tables.top_heads import top_heads
from spikegeometry.dataset.domains import domain_shares, domains_of_kmers, read_parts
from spikegeometry.geometry.attention_domains import TurnedShares, measure_heads
from spikegeometry.geometry.placement import token_bases
from spikegeometry.spikes.summary import read_forms
from spikegeometry.stats.summaries import ALL_CLASSES, distinct, measurement_table


def measure(
    study: Study,
    spikes: str,
    domains: str,
    regions: str,
    threshold: float,
    permutations: int,
    coordinates: str,
    k: int,
    stride: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Attention of each head to each domain, in log2 of its share over what its length explains.

    Parameters
    ----------
    study: a network and its recorded sequences.
    spikes: Parquet of the recorded sequences' genes. domains, regions: tables of parts of the protein.
    threshold: attention above it counts as high. permutations: draws of the contrast of classes.
    coordinates: `native` or `projected`; k, stride: of the k-mers, in bases.

    Returns
    -------
    table: means by class, layer, head, variant and domain, with intervals and tests. sequences: in each sequence.
    pairs: differences of two classes with interval, p and q. top: the heads with most attention to each domain.
    """
    cut = (k, stride)
    parts = read_parts(domains, regions)
    parts = parts[parts["name"].isin(domains_of_kmers(parts, study.recorded.tokens.shape[1] - 2, *cut))]
    cells = {"head": np.repeat(study.heads, len(parts)), "domain": np.tile(parts["name"], len(study.heads))}
    forms, turned = read_forms(spikes, study.recorded.sequences["accession"]), TurnedShares()

    def measured() -> Iterator[dict]:
        for sequence, hidden in distinct(study.sequences()):
            native, projected, indels = forms.loc[sequence["sequence"]]
            bases = token_bases(native, projected, indels, coordinates, *cut)
            membership = torch.from_numpy(domain_shares(parts, bases[: hidden.shape[1] - 2]))
            for layer in study.layers:
                for variant, shares, found in measure_heads(study.maps(hidden, layer), membership, threshold):
                    for name in (sequence["class"], ALL_CLASSES):
                        turned.add((name, layer, variant), shares, sequence["input"])
                    yield sequence | {"layer": layer, "variant": variant} | cells | found

    measurements = measurement_table(measured())
    shifts = measurement_table(
        dict(zip(("class", "layer", "variant"), key, strict=True)) | cells | {"p_shift": p.flatten()}
        for key, p in turned.p_values()
    )
    table = domain_table(measurements, shifts, study.classes, study.confidence)
    return {
        "table": pd.concat([table, contrast_table(measurements, permutations, seed)]),
        "sequences": measurements,
        "pairs": pair_table(measurements, study.confidence),
        "top": top_heads(table),
    }
