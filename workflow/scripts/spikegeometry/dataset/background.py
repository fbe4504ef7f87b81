"""Background genomes: of none of the classes, for the classifier to learn what it must not name.

Outlier exposure (Hendrycks, Mazeika and Dietterich, arXiv 1812.04606): the network sees them in training, with equal
probabilities of all classes as the answer.
"""

import os

import pandas as pd
import pyarrow.parquet as pq

from spikegeometry.dataset.encoding import OTHER
from spikegeometry.dataset.reading import spike_batches
from spikegeometry.dataset.splits import assign_splits, read_haplotypes

# In the column `split`, for a genome that is in none.
REJECTED = "rejected"


def split_background(
    spikes: str | os.PathLike,
    class_splits: str | os.PathLike,
    coordinates: str,
    method: str,
    validation: float,
    test: float,
    seed: int,
) -> tuple[pd.Series, pd.DataFrame]:
    """Split of each row of a table of background spikes, and those that are in none: accession, class, reason, detail.

    A gene sequence that a genome of a class also has, in any of the splits of the table `class_splits`, cannot be one
    of none of the classes: it is rejected. The others are split as those of a class are (`assign_splits`), but what a
    class has in its test split is in validation: how genomes of no class fare is for external sets to say.

    Raises InputError where the background has too few gene sequences of its own for three splits.
    """
    genomes = read_haplotypes(spikes, coordinates)
    table = pq.read_table(class_splits, columns=["class", "haplotype"]).to_pandas().drop_duplicates("haplotype")
    owners = pd.Series(table["class"].to_numpy(), index=[int(haplotype[:16], 16) for haplotype in table["haplotype"]])
    of_a_class = genomes["haplotype"].isin(owners.index)
    chosen = assign_splits(genomes[~of_a_class], [OTHER], method, validation, test, seed)
    splits = chosen["split"].astype(str).replace("test", "validation").reindex(genomes.index, fill_value=REJECTED)
    names = (name for batch in spike_batches(spikes, ["accession"]) for name in batch.column("accession").to_pylist())
    refused = [name for name, out in zip(names, of_a_class, strict=True) if out]
    classes = owners.reindex(genomes["haplotype"][of_a_class]).to_numpy()
    details = [f"Its gene sequence is also that of genomes of class {name}." for name in classes]
    rejected = pd.DataFrame({"accession": refused, "class": OTHER, "reason": "class_sequence", "detail": details})
    return splits, rejected
