"""How evenly the token vectors of every layer use the directions of their space."""

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.study import Study
from spikegeometry.analyses.tables import isotropy_tables
from spikegeometry.dataset.vocabulary import UNK
from spikegeometry.geometry import isotropy
from spikegeometry.logs import progress
from spikegeometry.stats.findings import findings_table
from spikegeometry.stats.summaries import ALL_CLASSES, distinct, measurement_table


def measure(study: Study, points: int, seed: int) -> dict[str, pd.DataFrame]:
    """Cosines, IsoScore, intrinsic dimension and self-similarity of k-mers' vectors (Ethayarajh 2019).

    Layer 0 is the embeddings. [CLS], [SEP] and [UNK] are left out.

    Parameters
    ----------
    study: a network and its recorded sequences.
    points: vectors, of different tokens in different places, from which dimensions are estimated.

    Returns
    -------
    table: statistics by class and layer, with jackknife intervals. sequences: cosines within each sequence. agreement:
    rank correlations of the measures over layers. findings.
    """
    recorded, classes, confidence = study.recorded, study.classes, study.confidence
    members = measurement_table(labels for labels, _ in distinct(study.sequences()))
    groups = {name: np.flatnonzero(members["class"] == name).tolist() for name in classes}
    groups = {name: group for name, group in groups.items() if group}
    groups[ALL_CLASSES] = members.drop_duplicates("input").index.tolist()
    labels = members.to_dict("records")
    places = recorded.sequences.set_index("accession").loc[members["sequence"]]
    slots = [(row, slice(1, length - 1)) for row, length in zip(places["recorded"], places["length"], strict=True)]
    ids = [recorded.tokens[slot].astype(np.int64) for slot in slots]
    known = np.unique(np.concatenate(ids))
    known = known[known != UNK]
    kmers = [torch.from_numpy(np.where(one == UNK, -1, np.searchsorted(known, one))) for one in ids]
    random = np.random.default_rng(seed)
    orders = {name: random.permutation(group) for name, group in groups.items()}
    different = {name: isotropy.different_tokens([kmers[one] for one in order]) for name, order in orders.items()}
    sampled = {name: random.permutation(index)[:points] for name, index in different.items()}
    records: dict[str, list[dict]] = {"pooled": [], "left_out": [], "within": []}
    layers = [0, *study.layers]
    for layer in progress(layers, "layers", len(layers)):
        vectors = [torch.from_numpy(recorded.hidden_states[row, layer, span].copy()) for row, span in slots]
        for kind, name, member, found in isotropy.layer_isotropy(vectors, kmers, groups, ALL_CLASSES):
            place = labels[member] if kind == "within" else {"class": name, "input": member}
            if kind == "left_out":
                place |= {"member_class": labels[member]["class"]}
            if kind == "pooled" and name is not None:
                drawn = torch.cat([vectors[one] for one in orders[name]])[sampled[name]]
                found |= isotropy.point_statistics(drawn, len(different[name])) | {"n": len(groups[name])}
            records[kind].append(place | {"layer": layer} | found)

    pooled, left_out, within = map(measurement_table, records.values())
    agreement = isotropy_tables.agreement_table(within, confidence)
    findings = isotropy_tables.isotropy_findings(pooled, left_out, within, agreement, confidence)
    statistics = isotropy.STATISTICS
    return {
        "table": isotropy_tables.isotropy_table(pooled, left_out, within, classes, statistics, confidence),
        "sequences": within,
        "agreement": agreement,
        "findings": findings_table(findings),
    }
