"""Collection of a source's genomes: every record is accepted or rejected with a reason."""

import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from spikegeometry.errors import InputError
from spikegeometry.genomes.classification import OTHER, read_class_rules
from spikegeometry.genomes.cleaning import Cleaned, Rejection, clean
from spikegeometry.genomes.ena import read_ena
from spikegeometry.genomes.fasta import fasta_writer, read_fasta
from spikegeometry.genomes.gisaid import read_gisaid
from spikegeometry.genomes.nextstrain import read_nextstrain
from spikegeometry.genomes.remote import Remote
from spikegeometry.genomes.rows import is_foreign, readable
from spikegeometry.genomes.simulate import read_simulated
from spikegeometry.genomes.sources import Genome
from spikegeometry.genomes.table import read_table
from spikegeometry.genomes.tips import read_auspice
from spikegeometry.logs import progress
from spikegeometry.tables import FLOAT_FORMAT, atomic_path, row_writer

logger = logging.getLogger(__name__)

ACCEPTED = "accepted"
ACCEPTED_COLUMNS = (
    *("accession", "class", "rule", "date", "country", "lineage"),
    *("length", "n_fraction", "sha256", "founder"),
)
REJECTED_COLUMNS = ("accession", "class", "reason", "detail")
COUNTS_COLUMNS = ("class", "outcome", "n")


class Judge:
    """Accepts or rejects genomes one after the other, and remembers the accepted ones by name and by digest."""

    def __init__(self, cleaning: dict, classes: list[str], labelled: bool = True):
        self._cleaning = cleaning
        self._classes = classes
        self._labelled = labelled
        self._digests: dict[str, bytes] = {}
        self._owners: dict[bytes, tuple[str, str]] = {}

    def judge(self, genome: Genome) -> Cleaned | Rejection:
        """The cleaned sequence, or why the genome is not accepted."""
        if genome.rejection:
            return genome.rejection
        if genome.sequence is None:
            return Rejection("missing_sequence", "It is asked for by name, but the source has no sequence of it.")
        if not genome.accession:
            return Rejection("no_name", f"A record of {len(genome.sequence)} letters has an empty header.")
        if is_foreign(genome.accession):
            detail = "Its name is not UTF-8, and is shown as if it were Windows-1252. Save the file as UTF-8."
            return Rejection("bad_encoding", detail)
        if self._labelled and not genome.class_name:
            return Rejection("unlabelled", "The table of labels gives it no class.")
        if self._labelled and genome.class_name not in self._classes:
            return Rejection("unknown_class", self._explain_class(genome.class_name))
        cleaned = clean(genome.sequence, **self._cleaning)
        if isinstance(cleaned, Rejection):
            return cleaned
        if genome.accession in self._digests:
            same = self._digests[genome.accession] == cleaned.digest
            which = "the same" if same else "another"
            return Rejection("duplicate_name", f"An earlier record of this name is accepted, with {which} sequence.")
        name, class_name = self._owners.setdefault(cleaned.digest, (genome.accession, genome.class_name))
        if class_name != genome.class_name:
            return Rejection("duplicate_conflict", f"Its sequence is also that of {name}, of class {class_name}.")
        self._digests[genome.accession] = cleaned.digest
        return cleaned

    def _explain_class(self, class_name: str) -> str:
        if self._classes == [OTHER]:
            return f"A background genome is of none of the classes, this one is {class_name}."
        if class_name == OTHER:
            return "Class other is allowed in external test sets only."
        return f"The config key classes has no {class_name}."


def collect_genomes(
    source: dict,
    key: str,
    reference: str,
    cleaning: dict,
    classes: list[str],
    class_rules: dict | None,
    network: dict,
    seed: int,
    fasta: str | os.PathLike,
    accepted: str | os.PathLike,
    rejected: str | os.PathLike,
    counts: str | os.PathLike,
    unusable: str | os.PathLike,
) -> None:
    """Read a source, clean its genomes and write the accepted ones and the tables.

    Of accepted genomes only names and digests stay in memory. Rows of the tables are in the order of the source.

    Parameters
    ----------
    source: the source's block of the config.
    key: its config key: `source`, `source.background`, which holds the class `other` alone, or `external.NAME` of an
        external test set, which may hold `other` beside the classes and need not hold every class.
    reference: path of the reference genome.
    cleaning, network: the config's blocks of these names.
    class_rules: that block too, where the source has no classes of its own.
    fasta, accepted, rejected, counts: paths of the outputs; counts has a row for each class and outcome.
    unusable: path of the rejected records where the cohort is of no use; then it is the only file that appears.

    Genomes to classify (a source of type `query`) have no class, and may all be rejected. Raises InputError where no
    genome of another source is accepted, or none of a class that the run needs.
    """
    Path(unusable).unlink(missing_ok=True)
    allowed = {"source": classes, "source.background": [OTHER]}.get(key, [*classes, OTHER])
    judge = Judge(cleaning, allowed, labelled=source["type"] != "query")
    outcomes: Counter[tuple[str, str]] = Counter()
    genomes = progress(_read_source(source, key, reference, cleaning, allowed, class_rules, network, seed), "genomes")
    with (
        row_writer(unusable, REJECTED_COLUMNS) as rejections,
        suppress(_UnusableError),
        fasta_writer(fasta) as write,
        row_writer(accepted, ACCEPTED_COLUMNS) as acceptances,
    ):
        for genome in genomes:
            result = judge.judge(genome)
            if isinstance(result, Rejection):
                named = (readable(genome.accession), genome.class_name)
                rejections.writerow((*named, result.reason, readable(result.detail)))
                outcomes[genome.class_name, result.reason] += 1
                continue
            write(genome.accession, result.sequence)
            n_fraction = FLOAT_FORMAT % result.n_fraction
            labels = (genome.accession, genome.class_name, genome.rule, genome.date, genome.country, genome.lineage)
            measured = (len(result.sequence), n_fraction, result.digest.hex(), genome.founder)
            acceptances.writerow((*labels, *measured))
            outcomes[genome.class_name, ACCEPTED] += 1
        problem = _explain_outcomes(outcomes, allowed, key) if source["type"] != "query" else ""
        if problem:
            # Accepted genomes do not appear, rejected records do.
            raise _UnusableError
    if problem:
        raise InputError(f"{problem} Each record with its reason: {unusable}.")
    with atomic_path(rejected) as partial:
        shutil.move(unusable, partial)
    with row_writer(counts, COUNTS_COLUMNS) as rows:
        for (class_name, outcome), n in sorted(outcomes.items()):
            rows.writerow((class_name, outcome, n))
            logger.info("class %s: %s %d", class_name or "(none)", outcome, n)


class _UnusableError(Exception):
    """Not enough genomes are accepted."""


def _read_source(
    source: dict,
    key: str,
    reference: str,
    cleaning: dict,
    classes: list[str],
    class_rules: dict | None,
    network: dict,
    seed: int,
) -> Iterator[Genome]:
    kind = source["type"]
    block, block_key = source[kind], f"{key}.{kind}"
    rules = read_class_rules(**class_rules) if class_rules else None
    match kind:
        case "simulate":
            every_class = not key.startswith("external.")
            return read_simulated(block, reference, classes, cleaning, seed, block_key, every_class)
        case "table":
            return read_table(block, rules, block_key)
        case "gisaid" if rules:
            return read_gisaid(block, rules, Remote(**network), block_key)
        case "ena":
            return read_ena(block, rules, Remote(**network), block_key)
        case "nextstrain" if rules:
            # Genomes of no class are sampled where they are asked for, as a background.
            sampled = classes if classes == [OTHER] else [name for name in classes if name != OTHER]
            return read_nextstrain(block, rules, sampled, Remote(**network), seed, block_key)
        case "auspice":
            return read_auspice(block, reference, classes, Remote(**network), block_key)
        case "query":
            return (Genome(record.name, "", record.sequence) for record in read_fasta(block["sequences"]))
    raise InputError(f"Config key {key}.type: no source {kind}.")


def _explain_outcomes(outcomes: Counter[tuple[str, str]], classes: list[str], key: str) -> str:
    """Why a cohort is of no use; empty where it is."""
    if not any(outcome == ACCEPTED for _, outcome in outcomes):
        reasons: Counter[str] = Counter()
        for (_, outcome), n in outcomes.items():
            reasons[outcome] += n
        return f"No genome of {key} is accepted: {_listed(reasons)}. See the config blocks {key}, classes and cleaning."
    for class_name in classes if key == "source" else ():
        if not outcomes[class_name, ACCEPTED]:
            of_class = Counter({outcome: n for (name, outcome), n in outcomes.items() if name == class_name and n})
            return (
                f"No genome of class {class_name} is accepted in {key} ({_listed(of_class) or 'none was read'}). "
                "Add genomes of it, or remove it from the config key classes."
            )
    return ""


def _listed(reasons: Counter[str]) -> str:
    return ", ".join(f"{n} {reason}" for reason, n in reasons.most_common())
