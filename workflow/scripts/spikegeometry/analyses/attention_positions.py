"""Whether more attention is paid to the positions that define a class than to others like them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.study import Study
from spikegeometry.analyses.tables import position_findings, position_tests
from spikegeometry.dataset import kmers
from spikegeometry.dataset.domains import read_domains
from spikegeometry.genomes.definitions import defined_in_gene, sites
from spikegeometry.genomes.fasta import read_single
from spikegeometry.geometry.attention_positions import slot_profiles
from spikegeometry.geometry.heads import PROFILES, profiles
from spikegeometry.geometry.placement import nearest_slots, token_bases
from spikegeometry.spikes.summary import read_forms
from spikegeometry.stats.findings import findings_table
from spikegeometry.stats.summaries import distinct


def measure(
    study: Study,
    reference: str,
    spikes: str,
    splits: str,
    domains: str,
    definitions: str,
    share: float,
    matches: int,
    permutations: int,
    bootstrap: int,
    coordinates: str,
    start: int,
    end: int,
    k: int,
    stride: int,
    analysed_per_class: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Attention that the slots of a class's mutations receive, against matched slots of the gene.

    Parameters
    ----------
    study: a network and its recorded sequences.
    reference: FASTA of the reference genome. spikes, splits: Parquet of the genes and of their splits. domains: table
    of parts of the protein. definitions: table of defining mutations, of which those count that at least `share` of a
    class's genomes have.
    matches: slots matched with each defining one. permutations: of tests. bootstrap: samples of intervals.
    coordinates: `native` or `projected`. start, end: first and last base of the gene in the reference, from 1.
    k, stride: of the k-mers, in bases.
    analysed_per_class: training sequences of each class from which positions are described.

    Returns
    -------
    table: tests by class, layer, profile and head. findings. positions: the slots and what they are matched by.
    profiles: mean attention that each slot receives.
    """
    cut = k, stride
    bases = read_single(reference).sequence[start - 1 : end]
    slots = kmers.kmer_count(len(bases), *cut)
    forms = read_forms(spikes, study.recorded.sequences["accession"])
    training = position_tests.training_spikes(spikes, splits, analysed_per_class, seed)
    native = coordinates == "native"
    mutations = defined_in_gene(definitions, study.all_classes, share, start, end, native)
    defined = sites(mutations, *kmers.token_bases(np.arange(1, slots + 1), *cut))
    positions = position_tests.position_table(training, bases, read_domains(domains), study.classes, defined, *cut)

    def received_by_slot(name: str, hidden: torch.Tensor) -> Iterator[torch.Tensor]:
        """What each slot receives from k-mers and [CLS], by layer: heads x variants, slots."""
        own, projected, indels = forms.loc[name]
        nearest = nearest_slots(token_bases(own, projected, indels, coordinates, *cut), stride)
        nearest = torch.from_numpy(nearest[: hidden.shape[1] - 2])
        for layer in study.layers:
            for profile in profiles(study.maps(hidden, layer)).values():
                yield slot_profiles(profile, nearest, slots)

    received: dict[str, list[np.ndarray]] = {}
    for sequence, hidden in distinct(study.sequences()):
        found = torch.cat(list(received_by_slot(sequence["sequence"], hidden))).numpy()
        received.setdefault(sequence["class"], []).append(found)
    stacked = {name: np.stack(several) for name, several in received.items()}
    places = position_tests.place_table(study.layers, PROFILES, study.heads)
    table = position_tests.position_tests(
        positions, stacked, places, matches, permutations, bootstrap, study.confidence, seed
    )
    return {
        "table": table,
        "findings": findings_table(position_findings.position_findings(table, study.confidence)),
        "positions": positions,
        "profiles": position_tests.mean_profiles(stacked, places),
    }
