"""Whether the gene, its domains and regions, the definitions and the class rules belong to the reference genome.

A table that is made for another gene or virus gives numbers that look right and mean nothing. Snakemake reads this
before it makes any environment, so that here are no packages but its own.
"""

import csv
import logging
import os
from copy import deepcopy
from pathlib import Path

from spikegeometry.config import LEARN, sources, uses_class_rules
from spikegeometry.errors import InputError
from spikegeometry.genomes.annotation import protein_length
from spikegeometry.genomes.founders import read_founders
from spikegeometry.schema import default_of

DEFINITIONS = "analyses.attributions.definitions"
CLASS_RULES = "class_rules.rules"
# What is measured at the defining mutations alone.
OF_DEFINITIONS = ("attention_positions", "attributions", "mutation_patching")

logger = logging.getLogger(__name__)


def fit_to_reference(config: dict) -> dict:
    """The complete configuration, without the definitions and their analyses where the default ones do not fit.

    Raises InputError where the gene is none of the reference, where the domains do not partition its protein or a
    region leaves it, and where definitions that were given do not fit the reference. The default tables are of
    SARS-CoV-2: with the reference of another virus, sources that need class rules must name some.
    """
    reference = config["reference"]
    genome = _read_genome(reference["fasta"])
    check_parts(reference["domains"], reference["regions"], protein_length(genome, reference))
    config = deepcopy(config)
    other_virus = _is_other_virus(genome)
    definitions = config["analyses"]["attributions"]["definitions"]
    if definitions == default_of(DEFINITIONS) and other_virus:
        definitions = config["analyses"]["attributions"]["definitions"] = None
    if definitions is None:
        logger.warning("No %s: %s are off.", DEFINITIONS, " and ".join(OF_DEFINITIONS))
        for name in OF_DEFINITIONS:
            config["analyses"][name]["activate"] = False
    elif definitions not in (LEARN, default_of(DEFINITIONS)):  # the default fits: it has just been read
        try:
            read_founders(definitions, genome)
        except InputError as error:
            raise InputError(
                f"Config key {DEFINITIONS}: {error}\nName a table of mutations against {reference['fasta']}, or null."
            ) from None
    by_rules = [key for key, source in sources(config).items() if uses_class_rules(source)]
    if by_rules and other_virus and config["class_rules"]["rules"] == default_of(CLASS_RULES):
        raise InputError(
            f"Config key {CLASS_RULES}: the default rules are of SARS-CoV-2; {reference['fasta']} is another genome.\n"
            f"Name rules for {', '.join(by_rules)}, or a class_column there."
        )
    return config


def check_parts(domains: str | os.PathLike | None, regions: str | os.PathLike | None, residues: int) -> None:
    """Raise InputError where the domains do not partition a protein of `residues` residues, or a region leaves it.

    Both are tables with the columns name, start, end (1-based residues, both included), or None where there is none.
    """
    advice = "Name the table of the domains of this gene, which partition its protein, or null."
    reached = 0
    for start, end in _read_places(domains, "reference.domains") if domains else [(1, residues)]:
        if start != reached + 1 or end < start:
            raise InputError(
                f"Config key reference.domains: {domains} has a domain from {start} to {end} after residue {reached}.\n"
                f"{advice}"
            )
        reached = end
    if reached != residues:
        raise InputError(
            f"Config key reference.domains: {domains} ends at residue {reached}, and the protein of the gene at "
            f"reference.start and reference.end at {residues}.\n{advice}"
        )
    for start, end in _read_places(regions, "reference.regions") if regions else []:
        if not 1 <= start <= end <= residues:
            raise InputError(
                f"Config key reference.regions: {regions} has a region from {start} to {end}, the protein {residues} "
                "residues.\nName the table of the regions of this gene; it may have no rows."
            )


def _read_places(path: str | os.PathLike, key: str) -> list[tuple[int, int]]:
    """First and last residues of the parts of a protein, sorted."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
            return sorted((int(row["start"]), int(row["end"])) for row in rows)
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(
            f"Config key {key}: {path} has no whole numbers in its columns start and end.\n"
            "A table of parts is tab-separated and has the columns name, start, end (1-based residues)."
        ) from error


def _read_genome(path: str | os.PathLike) -> str:
    """The sequence of a FASTA file of one record, in capitals."""
    lines = Path(path).read_text(encoding="utf-8-sig", errors="replace").splitlines()
    if not lines or not lines[0].startswith(">") or sum(line.startswith(">") for line in lines) > 1:
        raise InputError(f"Config key reference.fasta: {path} is no FASTA file of one record.\nGive one genome, plain.")
    return "".join(line.strip() for line in lines[1:]).upper()


def _is_other_virus(genome: str) -> bool:
    """Whether the genome is another than that which the default tables are of: their mutations do not fit it."""
    try:
        read_founders(default_of(DEFINITIONS), genome)
    except InputError:
        return True
    return False
