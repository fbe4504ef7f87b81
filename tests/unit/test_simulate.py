"""Simulated cohorts: the same for the same seed, and with the mutations that were asked for."""

import re
from collections import Counter

import numpy as np
import pytest

from spikegeometry.errors import InputError
from spikegeometry.genomes.simulate import (
    blur,
    drop_amplicons,
    generator,
    insert_or_delete,
    mutate,
    read_simulated,
    substitute,
)
from spikegeometry.genomes.sources import Genome

CLEANING = {"min_length": 3000, "max_length": 40_000, "max_n_fraction": 0.5}
LENGTH = 6000
GOOD = {"low_quality": 0, "low_quality_dropout": 0.7}
QUIET = GOOD | {"shared_mutations": 0, "private_mutations": 0, "indel_share": 0, "dropout": 0, "ambiguous": 0}
FULL = GOOD | {"shared_mutations": 4, "private_mutations": 6, "indel_share": 0.1, "dropout": 0.1, "ambiguous": 2}
IUPAC = {"R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC"}


def random_genome(seed: int, length: int = LENGTH) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def codes(sequence: str) -> np.ndarray:
    return np.frombuffer(sequence.encode(), np.uint8)


FOUNDERS = {"A.1": ("alpha", 1), "A.2": ("alpha", 2), "A.3": ("alpha", 3), "B.1": ("beta", 4), "Z": ("other", 5)}


@pytest.fixture
def simulate(tmp_path):
    """Simulate from founders given as a FASTA with labels."""

    def run(
        genomes=6, sublineages=2, seed=1, key="source.simulate", classes=("alpha", "beta"), sequences=None, **settings
    ):
        founders = {name: random_genome(number) for name, (_, number) in FOUNDERS.items()} | (sequences or {})
        fasta, labels = tmp_path / "founders.fasta", tmp_path / "labels.tsv"
        fasta.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in founders.items() if sequence))
        labels.write_text("name\tclass\n" + "".join(f"{name}\t{label}\n" for name, (label, _) in FOUNDERS.items()))
        block = {"founders": str(fasta), "labels": str(labels), "genomes_per_class": genomes}
        block |= {"sublineages": sublineages} | QUIET | settings
        return list(read_simulated(block, "not read", list(classes), CLEANING, seed, key))

    return run


def test_an_external_set_has_the_classes_that_have_founders(simulate, tmp_path):
    simulate()
    block = {"founders": str(tmp_path / "founders.fasta"), "labels": str(tmp_path / "labels.tsv")}
    block |= {"genomes_per_class": 2, "sublineages": 1} | QUIET
    classes = ["alpha", "gamma", "other"]
    key = "external.x.simulate"
    genomes = read_simulated(block, "not read", classes, CLEANING, 1, key, every_class=False)
    assert Counter(genome.class_name for genome in genomes) == {"alpha": 2, "other": 2}
    with pytest.raises(InputError, match="no founder of class gamma"):
        list(read_simulated(block, "not read", classes, CLEANING, 1, key))


def test_poorly_sequenced_genomes_lose_more(simulate):
    lost = [
        sum(genome.sequence.count("N") for genome in simulate(genomes=20, low_quality=share, low_quality_dropout=1))
        for share in (0.0, 0.5, 1.0)
    ]
    assert lost[0] == 0 and lost[2] == 40 * LENGTH
    assert 0.2 * lost[2] < lost[1] < 0.8 * lost[2]
    # Whether a genome is one does not change another.
    some, all_good = simulate(genomes=20, low_quality=0.5, low_quality_dropout=1), simulate(genomes=20)
    kept = [(a.sequence, b.sequence) for a, b in zip(some, all_good, strict=True) if "N" not in a.sequence]
    assert kept and all(a == b for a, b in kept)


def test_names_founders_and_numbers(simulate):
    genomes = simulate(genomes=7)
    assert Counter(genome.class_name for genome in genomes) == {"alpha": 7, "beta": 7}
    assert sorted(Counter(genome.founder for genome in genomes if genome.class_name == "alpha").values()) == [2, 2, 3]
    assert len({genome.accession for genome in genomes}) == 14
    assert [genome.accession for genome in genomes if genome.founder == "B.1"] == [
        f"SIM/beta/B.1/{number}" for number in range(1, 8)
    ]


def test_without_mutations_genomes_are_their_founders(simulate):
    for genome in simulate(sequences={"B.1": random_genome(4).replace("A", "-", 5).lower()}):
        founder = random_genome(FOUNDERS[genome.founder][1])
        assert genome.sequence == (founder.replace("A", "", 5) if genome.founder == "B.1" else founder)


def test_more_founders_than_genomes(simulate):
    genomes = simulate(genomes=2)
    assert [genome.class_name for genome in genomes] == ["alpha", "alpha", "beta", "beta"]
    assert len({genome.founder for genome in genomes[:2]}) == 2


def test_a_genome_depends_on_seed_source_and_name_alone(simulate):
    first = {genome.accession: genome.sequence for genome in simulate(genomes=6, **FULL)}
    assert first == {genome.accession: genome.sequence for genome in simulate(genomes=6, **FULL)}
    more = {genome.accession: genome.sequence for genome in simulate(genomes=30, classes=("beta", "alpha"), **FULL)}
    assert first.items() <= more.items()
    for other in (simulate(seed=2, **FULL), simulate(key="external.again.simulate", **FULL)):
        assert set(first.values()).isdisjoint(genome.sequence for genome in other)


def test_sublineages_share_their_mutations(simulate):
    genomes = [g.sequence for g in simulate(genomes=9, sublineages=3, classes=["beta"], shared_mutations=10)]
    assert len(set(genomes)) == 3
    assert genomes[:3] == genomes[3:6] == genomes[6:]
    distances = [(codes(genome) != codes(random_genome(4))).sum() for genome in genomes[:3]]
    assert min(distances) >= 3
    assert max(distances) <= 22

    shared = {tuple(np.flatnonzero(codes(genome) != codes(random_genome(4)))) for genome in genomes}
    private = simulate(genomes=9, sublineages=3, classes=["beta"], shared_mutations=10, private_mutations=5)
    for index, genome in enumerate(private):
        mutated = set(np.flatnonzero(codes(genome.sequence) != codes(random_genome(4))))
        # A private mutation may fall on a shared one and undo it.
        assert max(len(mutated & set(sites)) / len(sites) for sites in shared) > 0.8, index


def test_spectrum():
    # Relative rates for each site of the parent base, written down once more.
    rates = {"AC": 0.044, "AG": 0.358, "AT": 0.104, "CA": 0.179, "CG": 0.050, "CT": 3.069}
    rates |= {"GA": 0.797, "GC": 0.094, "GT": 1.869, "TA": 0.072, "TC": 0.320, "TG": 0.046}
    sequence = "A" * 9000 + "C" * 5400 + "G" * 6000 + "T" * 9600 + "N" * 500 + "R" * 500
    genome, rng = codes(sequence), np.random.default_rng(3)
    found = Counter()
    for _ in range(1500):
        mutated = substitute(genome, 20, rng)
        for site in np.flatnonzero(mutated != genome):
            found[sequence[site] + chr(mutated[site])] += 1
    weights = {change: sequence.count(change[0]) * rate for change, rate in rates.items()}
    total = found.total()
    assert 29_800 < total <= 30_000
    assert found.keys() == rates.keys()
    for change, weight in weights.items():
        expected = total * weight / sum(weights.values())
        assert abs(found[change] - expected) < 5 * expected**0.5, change
    assert max(weights, key=weights.get) == found.most_common(1)[0][0] == "CT"


def test_sites_of_one_base_are_equally_likely():
    genome, rng = codes("C" * 1000), np.random.default_rng(4)
    hits = np.zeros(1000)
    for _ in range(5000):
        hits += substitute(genome, 4, rng) != genome
    quarters = hits.reshape(4, 250).sum(axis=1)
    assert np.all(np.abs(quarters - 5000) < 5 * 5000**0.5)
    assert hits.min() > 0


def test_number_of_mutations_is_poisson():
    genome, rng = codes(random_genome(7)), np.random.default_rng(5)
    counts = np.array([(mutate(genome, 6, 0, rng) != genome).sum() for _ in range(4000)])
    assert abs(counts.mean() - 6) < 0.2
    assert abs(counts.var() - 6) < 0.6


def test_indels():
    genome, rng = codes(random_genome(8, 300)), np.random.default_rng(6)
    changes = np.array([len(insert_or_delete(genome, rng)) - 300 for _ in range(3000)])
    assert set(np.abs(changes)) <= set(range(10))
    assert abs((changes < 0).mean() - 0.8) < 0.05
    assert abs((changes % 3 == 0).mean() - 0.9) < 0.05

    share = np.array([len(mutate(genome, 5, 0.5, rng)) != 300 for _ in range(500)]).mean()
    assert share > 0.7


def test_dropout_leaves_n_where_no_amplicon_is_left():
    # Exactly a hundred amplicons.
    genome, rng = codes(random_genome(9, 99 * 300 + 400)), np.random.default_rng(7)
    masks = np.array([drop_amplicons(genome, 0.1, rng) == ord("N") for _ in range(400)])
    # Of 300 bases from one amplicon's start to the next, 200 lie in one amplicon and 100 in two.
    expected = 0.1 * 2 / 3 + 0.1**2 / 3
    assert abs(masks.mean() - expected) < 0.1 * expected
    for mask in masks[:20]:
        runs = re.findall("N+", "".join("N" if lost else "." for lost in mask))
        assert all(len(run) >= 200 for run in runs)
    assert masks[:, 0].any()
    assert masks[:, -1].any()
    assert not (drop_amplicons(genome, 0, rng) == ord("N")).any()
    assert (drop_amplicons(genome, 1, rng) == ord("N")).all()


@pytest.mark.parametrize("length", [1, 100, 399, 400, 401, 700, 701])
def test_amplicons_cover_genomes_of_any_length(length):
    genome = codes("A" * length)
    assert np.array_equal(drop_amplicons(genome, 0, np.random.default_rng(0)), genome)


def test_ambiguous_bases_allow_the_true_one():
    sequence, rng = random_genome(10), np.random.default_rng(8)
    found = Counter()
    for _ in range(2000):
        blurred = blur(codes(sequence), 2, rng)
        for site in np.flatnonzero(blurred != codes(sequence)):
            letter = chr(blurred[site])
            found[letter] += 1
            assert letter == "N" or sequence[site] in IUPAC[letter]
    assert abs(found.total() / 2000 - 2) < 0.15
    assert abs(found["N"] / found.total() - 0.5) < 0.05
    # C>T is the most common mutation, so Y (C or T) is the most common code.
    assert found.most_common(2)[1][0] == "Y"


def test_ambiguous_bases_stay_ambiguous():
    blurred = blur(codes("RN" * 1000), 3000, np.random.default_rng(9))
    assert set(blurred.tobytes()) <= set(b"RNDVB")
    assert set(blurred[1::2].tobytes()) == set(b"N")


def test_random_numbers_depend_on_seed_and_name():
    draws = {generator(seed, name).integers(2**60) for seed in (0, 1) for name in ("a", "b")}
    assert len(draws) == 4
    assert generator(1, "a").integers(2**60) in draws


def test_bad_founders(simulate):
    with pytest.raises(InputError, match=r"no founder of class gamma \(config key source.simulate.founders\)"):
        simulate(classes=("alpha", "gamma"))
    with pytest.raises(InputError, match=r"no sequence of the founder B.1, which source.simulate.labels lists"):
        simulate(sequences={"B.1": None})
    with pytest.raises(InputError, match=r"founder B.1 is not usable: 9 bases"):
        simulate(sequences={"B.1": "ACGTACGTA"})
    with pytest.raises(InputError, match=r"founders A.2 \(alpha\) and B.1 \(beta\) have the same sequence"):
        simulate(sequences={"B.1": random_genome(2)})


def test_table_of_founder_mutations(tmp_path):
    reference = random_genome(11)
    changed = {"A": "C", "C": "G", "G": "T", "T": "A"}[reference[99]]
    (tmp_path / "reference.fasta").write_text(f">reference\n{reference}\n")
    (tmp_path / "founders.tsv").write_text(
        f"founder\tclass\tmutations\nA.1\talpha\t{reference[99]}100{changed}\nB.1\tbeta\tdel:10:3\nZ\tother\t\n"
    )
    block = {"founders": str(tmp_path / "founders.tsv"), "labels": None, "genomes_per_class": 1, "sublineages": 1}
    genomes = list(
        read_simulated(block | QUIET, tmp_path / "reference.fasta", ["alpha", "beta"], CLEANING, 1, "source.simulate")
    )
    assert genomes == [
        Genome("SIM/alpha/A.1/1", "alpha", reference[:99] + changed + reference[100:], "A.1"),
        Genome("SIM/beta/B.1/1", "beta", reference[:9] + reference[12:], "B.1"),
    ]


def test_cohort_from_real_lineages(shared_data):
    block = {
        "founders": str(shared_data / "lineages/genomes.fasta.zst"),
        "labels": str(shared_data / "lineages/labels.tsv"),
        "genomes_per_class": 30,
        "sublineages": 4,
    }
    classes = ["alpha", "beta", "gamma", "delta", "lambda", "mu", "omicron", "gh"]
    genomes = list(read_simulated(block | FULL, "not read", classes, CLEANING, 42, "source.simulate"))
    assert Counter(genome.class_name for genome in genomes) == dict.fromkeys(classes, 30)
    founders = {name: {g.founder for g in genomes if g.class_name == name} for name in classes}
    assert [len(founders[name]) for name in classes] == [7, 4, 19, 30, 2, 4, 30, 1]
    assert len({genome.sequence for genome in genomes}) == 240
    assert set().union(*(genome.sequence for genome in genomes)) <= set("ACGTRYSWKMN")
