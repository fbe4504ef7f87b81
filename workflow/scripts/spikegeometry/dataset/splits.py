"""Training, validation and test splits, stratified by class.

Genomes are assigned in groups. By `haplotype`, a group holds all genomes with the same gene sequence in the
coordinate form used, so that no sequence of the test split has been trained on. By `random`, every genome is a group
of its own, as in the paper. By `clade`, a group descends from one founder or stands in one subtree of the tree that the
genomes come from. By `date`, those of each class that were collected first are trained on, and the last ones are the
test split. A haplotype that carries contradictory classes stays one group: it counts with the class
most of its genomes have (the first by name among equals), and the leakage table lists the contradiction.
"""

import hashlib
import logging
import os
import re
from array import array

import numpy as np
import pandas as pd
import pyarrow as pa

from spikegeometry.dataset.reading import SPLITS, Categories, spike_batches, text_digests
from spikegeometry.errors import InputError
from spikegeometry.tables import read_tsv, write_batches

logger = logging.getLogger(__name__)

# Columns whose groups are kept together, by the method of a split.
GROUPS = {"haplotype": "haplotype", "random": "accession", "clade": "clade"}
SCHEMA = pa.schema([(name, pa.string()) for name in ("accession", "class", "haplotype", "split")])


def haplotype_id(sequence: str) -> str:
    """SHA-256 of a sequence in hexadecimal digits."""
    return hashlib.sha256(sequence.encode()).hexdigest()


def read_haplotypes(spikes: str | os.PathLike, coordinates: str) -> pd.DataFrame:
    """Columns accession, class, haplotype of a table of spikes, in its order, in some 20 bytes a genome.

    Accessions are their digests and haplotypes the first 64 bits of their ids, uint64; classes are categories.
    `coordinates` names the column of the sequences: `projected` or `native`. InputError where there are none.
    """
    # Grown in place: many small arrays, made among large ones that come and go, would keep their memory from reuse.
    accessions, haplotypes, classes = array("Q"), array("Q"), Categories()
    for batch in spike_batches(spikes, ["accession", "class", coordinates]):
        accession, name, sequence = (column.to_pylist() for column in batch.columns)
        accessions.extend(text_digests(accession))
        haplotypes.extend(int(haplotype_id(one)[:16], 16) for one in sequence)
        classes.extend(name)
    if not accessions:
        raise InputError(f"{spikes}: no genome is left to split; the rejected tables beside it say why")
    return pd.DataFrame(
        {
            "accession": np.frombuffer(accessions, accessions.typecode),
            "class": classes.categorical(),
            "haplotype": np.frombuffer(haplotypes, haplotypes.typecode),
        }
    )


def write_splits(spikes: str | os.PathLike, coordinates: str, splits: pd.Series, path: str | os.PathLike) -> None:
    """Write accession, class, haplotype (`haplotype_id`) and split of each row of a table of spikes, batch by batch."""

    def batches():
        start = 0
        for batch in spike_batches(spikes, ["accession", "class", coordinates]):
            accession, name, sequence = (column.to_pylist() for column in batch.columns)
            split = splits.iloc[start : start + batch.num_rows].tolist()
            columns = [accession, name, [haplotype_id(one) for one in sequence], split]
            yield pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in columns], schema=SCHEMA)
            start += batch.num_rows

    write_batches(batches(), SCHEMA, path)


def assign_splits(
    spikes: pd.DataFrame, classes: list[str], method: str, validation: float, test: float, seed: int
) -> pd.DataFrame:
    """Add the column `split` to a table of accession, class, haplotype, which may be texts or their digests, and clade.

    `method` is one of GROUPS.

    Each class comes as near to the shares as its groups allow, and has at least one group in every split. The result
    depends on the seed and the set of genomes, not on their order. InputError where classes have fewer groups than
    there are splits, or are none of `classes`; it names them all.
    """
    if validation + test >= 1:
        raise InputError(
            f"split.validation {validation:g} and split.test {test:g} leave no genome to train on: lower one of them"
        )
    unknown = sorted(set(spikes["class"]) - set(classes))
    if unknown:
        raise InputError(f"genomes of class {', '.join(unknown)}, not in the config key classes: add it there")
    # As numbers in the order of the names: tables of texts would take many times the memory.
    unit, names = pd.factorize(spikes[GROUPS[method]], sort=True)
    groups = _groups(unit, pd.Categorical(spikes["class"], categories=sorted(classes)))
    numbers = groups["class"].value_counts().reindex(classes, fill_value=0)
    too_few = numbers[numbers < len(SPLITS)]
    if len(too_few):
        raise InputError("\n".join(_too_few(name, method, spikes, number) for name, number in too_few.items()))
    split_of = np.zeros(len(names), dtype=np.int8)
    for index, name in enumerate(classes):
        members = groups[groups["class"] == name]
        order = np.random.default_rng([seed, index]).permutation(len(members))
        members = members.iloc[order].sort_values("size", ascending=False, kind="stable")
        chosen = fill_splits(members["size"].tolist(), [1 - validation - test, validation, test])
        split_of[members["unit"]] = chosen
    return spikes.assign(split=pd.Categorical.from_codes(split_of[unit], list(SPLITS)))


def described(spikes: pd.DataFrame, genomes: str | os.PathLike, column: str) -> np.ndarray:
    """What a table of accepted genomes says in a column of each row of `read_haplotypes`, as texts (n,)."""
    table = read_tsv(genomes, ["accession", column])
    said = pd.Series(table[column].to_numpy(), index=text_digests(table["accession"]))
    return said[~said.index.duplicated()].reindex(spikes["accession"]).fillna("").to_numpy()


def with_clades(spikes: pd.DataFrame, genomes: str | os.PathLike) -> pd.DataFrame:
    """The table of `read_haplotypes` with the column clade: the founder or subtree of each genome.

    Raises InputError where the source knows none.
    """
    clades = described(spikes, genomes, "founder")
    if not all(clades):
        raise InputError(
            f"Config key split.method: clade needs a tree; {(clades == '').sum()} genomes of {genomes} have none.\n"
            "Sources of type auspice and simulate know it; choose haplotype, random or date."
        )
    return spikes.assign(clade=clades)


def earliest_day(text: str) -> str:
    """A date of collection as YYYY-MM-DD, its first day where month or day are not known; empty where it is none."""
    match = re.fullmatch(r"(\d{4})(?:-(\d{2}|XX)(?:-(\d{2}|XX))?)?", text.strip())
    if not match:
        return ""
    year, month, day = (part if part and part != "XX" else "01" for part in match.groups())
    return f"{year}-{month}-{day}"


def split_by_date(
    spikes: pd.DataFrame, dates: np.ndarray, classes: list[str], validation: float, test: float
) -> pd.DataFrame:
    """Add the column `split`: of each class the first genomes are trained on, later ones validate, the last ones test.

    `dates` (n,) are as sources write them. Genomes of the same day stand in the order of their accessions' digests;
    those without a date are trained on, and their number is logged. Raises InputError where a class has fewer genomes
    with a date than there are splits.
    """
    days = np.array([earliest_day(text) for text in dates])
    order = np.lexsort((spikes["accession"].to_numpy(), days))
    split_of = np.zeros(len(spikes), dtype=np.int8)
    for name in classes:
        members = order[(spikes["class"].to_numpy() == name)[order]]
        dated = members[days[members] != ""]
        if len(dated) < len(SPLITS):
            raise InputError(
                f"class {name}: {len(dated)} genomes with a date of collection, but split.method date needs at least "
                f"{len(SPLITS)}: add dates (a column of the source), or choose another method"
            )
        if len(dated) < len(members):
            logger.warning("class %s: %d genomes without a date are trained on", name, len(members) - len(dated))
        last = max(1, round(test * len(members)))
        middle = max(1, round(validation * len(members)))
        split_of[dated[-last:]] = 2
        split_of[dated[-last - middle : -last]] = 1
    return spikes.assign(split=pd.Categorical.from_codes(split_of, list(SPLITS)))


def split_genomes(
    spikes: pd.DataFrame,
    genomes: str | os.PathLike,
    classes: list[str],
    method: str,
    validation: float,
    test: float,
    seed: int,
) -> pd.DataFrame:
    """Add the column `split` to the table of `read_haplotypes` by any method of the config key split.method.

    `genomes` is the table of accepted genomes, which knows dates and descent.
    """
    if method == "date":
        return split_by_date(spikes, described(spikes, genomes, "date"), classes, validation, test)
    if method == "clade":
        spikes = with_clades(spikes, genomes)
    return assign_splits(spikes, classes, method, validation, test, seed)


def _groups(unit: np.ndarray, classes: pd.Categorical) -> pd.DataFrame:
    """Columns unit, class (the most frequent), size of the groups, sorted by unit, from those of each genome."""
    genomes = pd.DataFrame({"unit": unit, "class": classes})
    counts = genomes.groupby(["unit", "class"], sort=True, observed=True).size().rename("genomes").reset_index()
    counts["size"] = counts.groupby("unit")["genomes"].transform("sum")
    counts = counts.sort_values(["unit", "genomes", "class"], ascending=[True, False, True])
    return counts.drop_duplicates("unit")


def _too_few(name: str, method: str, spikes: pd.DataFrame, groups: int) -> str:
    genomes = int((spikes["class"] == name).sum())
    remedy = "add genomes of it under source, or leave it out of classes"
    if method == "haplotype" and genomes >= len(SPLITS):
        return (
            f"class {name}: {genomes} genomes with {groups} gene sequences of its own, but split.method haplotype "
            f"needs at least {len(SPLITS)}, one for each split: {remedy}, or set split.method to random"
        )
    return f"class {name}: {genomes} genomes, but a split needs at least {len(SPLITS)}, one for each part: {remedy}"


def fill_splits(sizes: list[int], shares: list[float]) -> list[int]:
    """Assign groups to splits so that the sums of their sizes come near to `shares`.

    `sizes` in falling order, no fewer than there are splits; returns the index of a split for each. A group goes to
    the split that is filled least in proportion, among those where it takes at most half of the room: a split is then
    many small groups rather than one large. A group that is too large for that goes where there is most room.

    Two things come before the sums: a split that has less than half its share of the number of groups is served
    first, else one very common sequence could be all that the training split holds; and the last groups are kept for
    splits that have none.
    """
    splits = range(len(shares))
    targets = [share * sum(sizes) for share in shares]
    room = list(targets)
    groups = [0] * len(shares)
    chosen = []
    for done, size in enumerate(sizes):
        empty = [split for split in splits if not groups[split]]
        starved = [split for split in splits if groups[split] < int(done * shares[split] / 2)]
        candidates = empty if len(sizes) - done <= len(empty) else starved or splits
        fitting = [split for split in candidates if 2 * size <= room[split]]
        split = max(fitting, key=lambda i: room[i] / targets[i]) if fitting else max(candidates, key=room.__getitem__)
        room[split] -= size
        groups[split] += 1
        chosen.append(split)
    return chosen


def split_sizes(splits: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Columns class, split, genomes, haplotypes, share (of the class's genomes), by class and split."""
    sizes = splits.groupby(["class", "split"], observed=True)["haplotype"].agg(genomes="size", haplotypes="nunique")
    sizes = sizes.reindex(pd.MultiIndex.from_product([classes, SPLITS], names=["class", "split"]), fill_value=0)
    return sizes.assign(share=sizes["genomes"] / sizes.groupby("class")["genomes"].transform("sum")).reset_index()
