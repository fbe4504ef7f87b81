"""The genomes of the source `auspice`: tips of a tree, by their classes."""

import os
import re
from collections import Counter
from collections.abc import Iterator

from spikegeometry.errors import InputError
from spikegeometry.genomes.auspice import (
    class_names,
    collection_date,
    read_tips,
    read_tree,
    subtrees,
    tip_values,
)
from spikegeometry.genomes.classification import OTHER
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.fasta import read_fasta, read_single
from spikegeometry.genomes.remote import Remote
from spikegeometry.genomes.sources import Genome

# Largest share of the tips of a class in a subtree that a split by clade holds out as a whole.
LARGEST = 0.1


def read_auspice(
    block: dict, reference: str | os.PathLike, classes: list[str], remote: Remote, key: str
) -> Iterator[Genome]:
    """Yield a genome for each tip of a tree, or for each sequence of a FASTA file that bears the name of one.

    The class comes from a colouring. A tip of another class than `classes`, or of none, is of the class `other` where
    that is one of them, and is rejected where it is not.

    Parameters
    ----------
    block: the source's block of the config (tree, class_by, classes, sequences).
    reference: FASTA of the reference genome, from which trees without a root sequence begin.
    classes: those that the cohort may have.
    remote: fetches a tree behind a URL.
    key: config key of the block, for messages.

    Raises InputError where the tree is none, or has no such colouring.
    """
    path = remote.fetch(block["tree"], None) if "://" in block["tree"] else block["tree"]
    tree = read_tree(path, block["tree"])
    by = block["class_by"]
    values = tip_values(tree, by, block["tree"])
    names = dict(zip(values, class_names(values, block["classes"]), strict=True))
    counts = Counter(values)
    held_out = subtrees(tree, [names[value] for value in values], LARGEST)
    genomes: dict[str, Genome | None] = {}
    for tip, subtree in zip(read_tips(tree, read_single(reference).sequence), held_out, strict=True):
        value = tip.attributes.get(by, "")
        name = names[value]
        rejection = None
        if name not in classes:
            detail = f"Its {by} is {value or 'not known'}, which is no class of the run; {counts[value]} tips have it."
            name, rejection = (OTHER, None) if OTHER in classes else (name, Rejection("no_class_of_the_run", detail))
        if tip.problem:
            rejection = Rejection("contradicts_tree", f"{block['tree']}: {tip.problem}.")
        genome = Genome(
            accession=tip.name,
            class_name=name,
            sequence=tip.sequence,
            founder=subtree,
            rule=f"{by} {value}",
            date=collection_date(tip.attributes),
            country=tip.attributes.get("country", ""),
            lineage=value,
            rejection=rejection,
        )
        if block["sequences"] is None:
            yield genome
        else:
            # A name that two tips have names neither.
            accessions = (value for key, value in tip.attributes.items() if "accession" in key)
            for called in {tip.name, *accessions}:
                genomes[called] = None if called in genomes else genome
    if block["sequences"] is None:
        return
    read = 0
    for record in read_fasta(block["sequences"]):
        its_tip = next((found for name in _names_in(record.name) if (found := genomes.get(name))), None)
        if its_tip:
            read += 1
            yield its_tip._replace(accession=record.name, sequence=record.sequence)
        else:
            detail = f"{block['tree']} has no tip, or several, of this name or accession."
            yield Genome(record.name, "", record.sequence, rejection=Rejection("no_tip", detail))
    if not read:
        raise InputError(
            f"Config key {key}.sequences: no sequence of {block['sequences']} is called as a tip of {block['tree']}.\n"
            "Name the FASTA file of the tree's genomes, or null to take them from the tree."
        )


def _names_in(header: str) -> list[str]:
    """What a header may call its genome: all of it, its first word, or the parts between bars, underscores and dots."""
    return [header, *header.split()[:1], *re.split(r"[|\s]+", header), *re.split(r"[|\s_.]+", header)]
