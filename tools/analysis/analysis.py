"""How long the vectors of k-mers are in each layer."""

from collections.abc import Iterator

import pandas as pd

from spikegeometry.analyses.study import Study
from spikegeometry.stats.summaries import class_means, measurement_table


def measure(study: Study) -> dict[str, pd.DataFrame]:
    """Mean norm of the k-mers' vectors. Layer 0 is the embeddings; [CLS] and [SEP] are left out.

    Returns
    -------
    table: means by class and layer, with intervals. sequences: in each sequence.
    """
    measurements = measurement_table(_norms(study))
    return {
        "table": class_means(measurements, study.classes, ["layer"], ["norm"], study.confidence),
        "sequences": measurements,
    }


def _norms(study: Study) -> Iterator[dict]:
    for sequence, hidden in study.sequences():
        for layer in [0, *study.layers]:
            yield sequence | {"layer": layer, "norm": hidden[layer, 1:-1].norm(dim=-1).mean().item()}
