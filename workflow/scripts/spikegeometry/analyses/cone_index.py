"""The cone index of the token vectors of every recorded sequence, and of the sequences of every class."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.study import Study
from spikegeometry.dataset.encoding import number_rows, open_split
from spikegeometry.geometry import cone_index, readout
from spikegeometry.model.weights import read_embeddings, read_head
from spikegeometry.stats.summaries import ALL_CLASSES, class_means, measurement_table
from spikegeometry.tables import read_tsv

PLACES = ["layer", "head", "site", "axis", "variant"]


def measure(study: Study, sequences: str, cls: str, split: str, rogue_coordinates: int) -> dict[str, pd.DataFrame]:
    """How narrow the cone is that vectors lie in: R, the norm of the mean unit vector (arXiv 2502.12033).

    Layer 0 is the embeddings. Over sequences, each distinct one counts once.

    Parameters
    ----------
    study: a network and its recorded sequences.
    sequences, cls: of the activations, the table of all sequences and their [CLS] vectors, float32 (N, L + 1, d).
    split: the encoded split that was recorded. rogue_coordinates: dimensions of largest mean that a variant leaves out.

    Returns
    -------
    table: means by class, layer, head, site, axis (`tokens` or `sequences`) and variant, with intervals where the axis
    is tokens. sequences: in each sequence.
    """
    measurements = measurement_table(_over_tokens(study, rogue_coordinates))
    means = class_means(measurements, study.classes, PLACES, list(cone_index.STATISTICS), study.confidence)
    table = read_tsv(sequences).assign(input=lambda rows: number_rows(open_split(split))[rows["index"]])
    vectors = torch.from_numpy(np.load(cls, mmap_mode="c", allow_pickle=False))
    across = measurement_table(_over_sequences(study, table, vectors, rogue_coordinates))
    across = across.melt(["class", *PLACES, "n"], cone_index.STATISTICS, "statistic")
    return {"table": pd.concat([means, across.dropna(subset="value")]), "sequences": measurements}


def _over_tokens(study: Study, rogue_coordinates: int) -> Iterator[dict]:
    embeddings = read_embeddings(study.folder)
    for sequence, hidden in study.sequences():
        ids = torch.from_numpy(np.array(study.tokens[sequence["sequence"]][: hidden.shape[1]]))
        levels = {0: cone_index.embedding_sites(ids, embeddings)}
        for layer in study.layers:
            tensors = study.tensors(hidden, layer)
            levels[layer] = cone_index.sites(hidden[layer - 1], tensors, hidden[layer], study.heads)
        for layer, site, vectors in ((layer, *site) for layer, level in levels.items() for site in level.items()):
            heads = study.heads if site == "head" else None
            place = {"layer": layer, "head": heads, "site": site, "axis": "tokens"}
            for variant, cone in cone_index.token_cone_variants(vectors, rogue_coordinates).items():
                yield sequence | place | {"variant": variant} | vars(cone)


def _over_sequences(study: Study, table: pd.DataFrame, cls: torch.Tensor, rogue_coordinates: int) -> Iterator[dict]:
    outputs = readout.classifier_outputs(cls[:, -1], read_head(study.folder))
    levels: dict[tuple, torch.Tensor] = {(site, None): output for site, output in outputs.items()}
    levels |= {("cls", layer): cls[:, layer] for layer in (0, *study.layers)}
    for name, of in [*((one, [one]) for one in study.classes), (ALL_CLASSES, study.classes)]:
        rows = table[table["class"].isin(of)].drop_duplicates("input").index.to_numpy(copy=True)
        for (site, layer), vectors in levels.items() if len(rows) else ():
            place = {"class": name, "layer": layer, "head": None, "site": site, "axis": "sequences"}
            cones = cone_index.cone_variants(vectors[rows], rogue_coordinates, floor=site != "softmax")
            yield from (place | {"variant": variant} | vars(cone) for variant, cone in cones.items())
