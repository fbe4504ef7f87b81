"""The source `simulate`: a labelled cohort made from founder genomes.

A founder's sub-lineages share mutations, each genome has private ones on top, and sequencing adds ambiguous bases and
lost amplicons. Selection is not modelled, except that most indels keep the reading frame. Every genome has its own
random numbers, drawn from the run's seed, the config key of its source and its name: it does not depend on what else is
simulated, and an external test set from the same founders holds other genomes.
"""

import hashlib
from collections.abc import Iterator

import numpy as np

from spikegeometry.errors import InputError
from spikegeometry.genomes.cleaning import Rejection, clean
from spikegeometry.genomes.fasta import read_fasta, read_single
from spikegeometry.genomes.founders import Founder, read_founders
from spikegeometry.genomes.labels import read_table_labels
from spikegeometry.genomes.names import Names
from spikegeometry.genomes.sources import Genome

BASES = np.frombuffer(b"ACGT", np.uint8)
N = ord("N")
# Rates of mutation from a base (row) to another (column), order A, C, G, T, in relative units for each site of the
# parent base: mean over 14 clades (20A to 22C) of the rates at four-fold degenerate sites of Bloom, Beichman, Neher &
# Harris, "Evolution of the SARS-CoV-2 mutational spectrum", Mol. Biol. Evol. 40:msad085 (2023), file
# results/synonymous_mut_rates/rates_by_clade.csv of its repository jbloomlab/SARS2-mut-spectrum.
SPECTRUM = np.array(
    [
        [0.000, 0.044, 0.358, 0.104],
        [0.179, 0.000, 0.050, 3.069],
        [0.797, 0.094, 0.000, 1.869],
        [0.072, 0.320, 0.046, 0.000],
    ]
)
# By ASCII code of the parent: rate of any mutation, and cumulative shares of the targets. Other letters never mutate.
SITE_RATES = np.zeros(256)
SITE_RATES[BASES] = SPECTRUM.sum(axis=1)
TARGET_SHARES = np.zeros((256, 4))
TARGET_SHARES[BASES] = SPECTRUM.cumsum(axis=1) / SPECTRUM.sum(axis=1, keepdims=True)

# Our choice, not measured: deletions outnumber insertions, and one indel in ten shifts the frame.
DELETION_SHARE = 0.8
INDEL_LENGTHS = np.array([1, 2, 3, 6, 9])
INDEL_WEIGHTS = np.array([0.05, 0.05, 0.5, 0.25, 0.15])

# A tiling like ARTIC's schemes: about a hundred amplicons of 400 bases that overlap by 100.
AMPLICON_LENGTH = 400
AMPLICON_STEP = 300

# Codes by the set of bases they stand for, a bit each: A 1, C 2, G 4, T 8.
CODES = np.frombuffer(b"NACMGRSVTWYHKDBN", np.uint8)
BASE_SETS = np.zeros(256, np.uint8)
BASE_SETS[CODES] = np.arange(16)


def read_simulated(
    block: dict, reference: str, classes: list[str], cleaning: dict, seed: int, key: str, every_class: bool = True
) -> Iterator[Genome]:
    """Yield `genomes_per_class` simulated genomes of each class, named SIM/class/founder/ordinal (from 1).

    Parameters
    ----------
    block: the source's block of the config.
    reference: path of the reference genome, to which a table of founder mutations refers.
    cleaning: limits that founders must satisfy, as arguments of `clean`.
    key: config key of the block, for messages.
    every_class: whether founders of each class are needed; else the classes that have founders are simulated.
    """
    wanted = block["genomes_per_class"]
    for founders in choose_founders(block, reference, classes, cleaning, seed, key, every_class).values():
        for rank, founder in enumerate(founders):
            # Genome i of a class descends from founder i modulo their number.
            yield from simulate_founder(founder, len(range(rank, wanted, len(founders))), block, seed, key)


def simulate_founder(founder: Founder, count: int, block: dict, seed: int, key: str) -> Iterator[Genome]:
    """Yield `count` genomes that descend from a founder, in turn from each of its sub-lineages."""
    origin = f"{founder.class_name}/{founder.name}"
    ancestor = np.frombuffer(founder.sequence.encode("ascii"), np.uint8)
    sublineages = []
    for index in range(min(block["sublineages"], count)):
        rng = generator(seed, f"{key}/sublineage/{origin}/{index}")
        sublineages.append(mutate(ancestor, block["shared_mutations"], block["indel_share"], rng))
    for index in range(count):
        name = f"SIM/{origin}/{index + 1}"
        rng = generator(seed, f"{key}/{name}")
        parent = sublineages[index % len(sublineages)]
        genome = mutate(parent, block["private_mutations"], block["indel_share"], rng)
        genome = blur(genome, block["ambiguous"], rng)
        # From a generator of its own, so that genomes without it stay what they are.
        poor = generator(seed, f"{key}/quality/{name}").random() < block["low_quality"]
        genome = drop_amplicons(genome, block["low_quality_dropout" if poor else "dropout"], rng)
        yield Genome(name, founder.class_name, genome.tobytes().decode("ascii"), founder.name)


def choose_founders(
    block: dict, reference: str, classes: list[str], cleaning: dict, seed: int, key: str, every_class: bool
) -> dict[str, list[Founder]]:
    """The founders of each class in a seeded order, no more of them than genomes are wanted.

    Raises InputError for a class without founders where `every_class` is needed, or where no class has any, a founder
    that is not there or fails the cleaning, and a sequence that founds two classes.
    """
    path = block["founders"]
    if block["labels"] is None:
        genomes = {founder.name: founder for founder in read_founders(path, read_single(reference).sequence)}
        class_of = {name: founder.class_name for name, founder in genomes.items()}
    else:
        genomes = None
        table = {"labels": block["labels"], "name_column": "name", "class_column": "class", "classes": {}}
        labels = read_table_labels(table, None, key)
        for genome in (*labels.rejected, *(label.genome(name, None) for name, label in labels.by_name.items())):
            if genome.rejection:
                raise InputError(f"{genome.rejection.detail} (founder {genome.accession})")
        class_of = {name: label.class_name for name, label in labels.by_name.items()}
    chosen = {}
    if not every_class:
        classes = [name for name in classes if name in class_of.values()] or classes
    for class_name in classes:
        names = sorted(name for name, label in class_of.items() if label == class_name)
        if not names:
            raise InputError(
                f"{block['labels'] or path} has no founder of class {class_name} (config key {key}.founders). "
                "Add one, or remove the class from the config key classes."
            )
        order = generator(seed, f"{key}/founders/{class_name}").permutation(len(names))
        chosen[class_name] = [names[i] for i in order[: block["genomes_per_class"]]]
    if genomes is None:
        genomes = _read_founder_genomes(path, class_of, {name for names in chosen.values() for name in names}, key)
    return _clean_founders({c: [genomes[name] for name in names] for c, names in chosen.items()}, cleaning, path)


def _read_founder_genomes(path: str, class_of: dict[str, str], wanted: set[str], key: str) -> dict[str, Founder]:
    genomes, names = {}, Names(sorted(class_of))
    for record in read_fasta(path):
        match names.match(record.name):
            case [name] if name in genomes:
                raise InputError(f"{path} has two sequences of the founder {name}. Keep one.")
            case [name] if name in wanted:
                genomes[name] = Founder(name, class_of[name], record.sequence)
    for name in sorted(wanted - set(genomes)):
        raise InputError(f"{path} has no sequence of the founder {name}, which {key}.labels lists. Remove its row.")
    return genomes


def _clean_founders(chosen: dict[str, list[Founder]], cleaning: dict, path: str) -> dict[str, list[Founder]]:
    cleaned: dict[str, list[Founder]] = {}
    first: dict[bytes, Founder] = {}
    for class_name, founders in chosen.items():
        cleaned[class_name] = []
        for founder in founders:
            result = clean(founder.sequence, **cleaning)
            if isinstance(result, Rejection):
                raise InputError(f"{path}: founder {founder.name} is not usable: {result.detail}")
            twin = first.setdefault(result.digest, founder)
            if twin.class_name != class_name:
                raise InputError(
                    f"{path}: founders {twin.name} ({twin.class_name}) and {founder.name} ({class_name}) have the "
                    "same sequence. Keep it in one class."
                )
            cleaned[class_name].append(Founder(founder.name, class_name, result.sequence))
    return cleaned


def generator(seed: int, name: str) -> np.random.Generator:
    """Random numbers that depend on the seed and the name alone."""
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")])


def mutate(genome: np.ndarray, mean: float, indel_share: float, rng: np.random.Generator) -> np.ndarray:
    """A copy of a genome (ASCII codes, uint8) with a Poisson number of mutations, a share of them indels."""
    count = rng.poisson(mean)
    indels = rng.binomial(count, indel_share)
    mutated = substitute(genome, count - indels, rng)
    for _ in range(indels):
        mutated = insert_or_delete(mutated, rng)
    return mutated


def substitute(genome: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """A copy with `count` substitutions after SPECTRUM; sites of one base are equally likely.

    A site drawn twice changes once.
    """
    mutated = genome.copy()
    if count:
        rates = SITE_RATES[genome].cumsum()
        sites = np.unique(np.searchsorted(rates, rng.random(count) * rates[-1], side="right"))
        mutated[sites] = draw_targets(genome[sites], rng)
    return mutated


def draw_targets(parents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A base that each parent base mutates to, after SPECTRUM."""
    return BASES[(rng.random((len(parents), 1)) >= TARGET_SHARES[parents, :3]).sum(axis=1)]


def insert_or_delete(genome: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A copy with one indel at a uniform position."""
    position = rng.integers(len(genome))
    length = rng.choice(INDEL_LENGTHS, p=INDEL_WEIGHTS)
    if rng.random() < DELETION_SHARE:
        return np.delete(genome, slice(position, position + length))
    return np.insert(genome, position, rng.choice(BASES, length))


def blur(genome: np.ndarray, mean: float, rng: np.random.Generator) -> np.ndarray:
    """A copy with a Poisson number of uncertain bases: half N, half the IUPAC code of the base and a likely mutant."""
    blurred = genome.copy()
    sites = np.unique(rng.integers(len(genome), size=rng.poisson(mean)))
    mixed = BASE_SETS[genome[sites]] | BASE_SETS[draw_targets(genome[sites], rng)]
    blurred[sites] = np.where(rng.random(len(sites)) < 0.5, N, CODES[mixed])
    return blurred


def drop_amplicons(genome: np.ndarray, probability: float, rng: np.random.Generator) -> np.ndarray:
    """A copy with N wherever all amplicons of the tiling that cover a base are lost, the ends included."""
    starts = np.arange(0, max(len(genome) - AMPLICON_LENGTH + AMPLICON_STEP, 1), AMPLICON_STEP)
    covered = np.zeros(len(genome), bool)
    for start in starts[rng.random(len(starts)) >= probability]:
        covered[start : start + AMPLICON_LENGTH] = True
    return np.where(covered, genome, np.uint8(N))
