"""From genomes to spikes with the real aligner."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spikegeometry.errors import InputError
from spikegeometry.figures.spikes import draw_spikes
from spikegeometry.genomes.auspice import read_tips, read_tree
from spikegeometry.genomes.fasta import fasta_writer, read_fasta, read_single
from spikegeometry.spikes.alignment import align_shard
from spikegeometry.spikes.extraction import extract_spikes, read_gene
from spikegeometry.spikes.processes import pipeline
from spikegeometry.spikes.projection import reverse_complement
from spikegeometry.spikes.shards import shard_genomes
from spikegeometry.spikes.storage import gather_spikes
from spikegeometry.spikes.summary import summarise_spikes
from spikegeometry.tables import read_tsv, row_writer, write_tsv

DENGUE = Path(__file__).resolve().parents[3] / "shared/data/nextclade/dengue"
REFERENCE = Path(__file__).resolve().parents[2] / "resources/NC_045512.2.fasta"
START, END = 21563, 25384
WUHAN = read_single(REFERENCE).sequence
SPIKE = WUHAN[START - 1 : END]


@dataclass
class Extracted:
    spikes: pd.DataFrame  # by accession
    rejected: pd.DataFrame  # by accession


@pytest.fixture(scope="session")
def index(tmp_path_factory) -> Path:
    """The reference genome, indexed."""
    path = tmp_path_factory.mktemp("reference") / "genome.fasta"
    shutil.copy(REFERENCE, path)
    subprocess.run(["bwa", "index", path], check=True, capture_output=True)
    return path


@pytest.fixture
def extract(tmp_path, index):
    """A function that takes named genomes the whole way to spikes."""

    def run(genomes, shards=1, tile_length=150, tile_overlap=50, min_covered=0.9, max_n=0.3, preset="default"):
        with fasta_writer(tmp_path / "accepted.fasta.zst") as write:
            for name, sequence in genomes.items():
                write(name, sequence)
        with row_writer(tmp_path / "accepted.tsv", ("accession", "class")) as rows:
            rows.writerows((name, "alpha") for name in genomes)
        paths = [
            {suffix: tmp_path / f"{shard}.{suffix}" for suffix in ("fasta", "tsv", "bam", "bai", "parquet", "rejected")}
            for shard in range(shards)
        ]
        shard_genomes(
            tmp_path / "accepted.fasta.zst",
            tmp_path / "accepted.tsv",
            [path["fasta"] for path in paths],
            [path["tsv"] for path in paths],
        )
        tiling = {"tile_length": tile_length, "tile_overlap": tile_overlap}
        for path in paths:
            align_shard(path["fasta"], path["tsv"], index, path["bam"], path["bai"], **tiling, threads=2, preset=preset)
            # The index beside the alignment, where samtools looks for it.
            path["bai"].rename(f"{path['bam']}.bai")
            extract_spikes(
                path["fasta"],
                path["tsv"],
                path["bam"],
                index,
                START,
                END,
                **tiling,
                min_covered_fraction=min_covered,
                max_n_fraction=max_n,
                spikes=path["parquet"],
                rejected=path["rejected"],
                preset=preset,
            )
        gather_spikes(
            [path["parquet"] for path in paths],
            [path["rejected"] for path in paths],
            tmp_path / "spikes.parquet",
            tmp_path / "rejected.tsv",
        )
        spikes, rejected = pd.read_parquet(tmp_path / "spikes.parquet"), read_tsv(tmp_path / "rejected.tsv")
        assert sorted([*spikes["accession"], *rejected["accession"]]) == sorted(genomes)
        return Extracted(spikes.set_index("accession"), rejected.set_index("accession"))

    return run


def random_bases(seed: int, length: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def other_strand(sequence: str) -> str:
    return reverse_complement(sequence.encode()).decode()


def replace(sequence: str, start: int, end: int, bases: str) -> str:
    """Put `bases` in the place of `start`..`end` (1-based, both included)."""
    return sequence[: start - 1] + bases + sequence[end:]


def spliced(spike) -> str:
    """Native form, put together from the projected form and the insertions."""
    insertions = dict(insertion.split(":") for insertion in spike.insertions.split(";") if insertion)
    return "".join(
        symbol.replace("-", "") + insertions.get(str(position), "")
        for position, symbol in enumerate(spike.projected, start=1)
    )


def align_with_mafft(reference: str, query: str, folder: Path) -> list[str]:
    """The two sequences with gaps, aligned from end to end by mafft."""
    path = folder / "pair.fasta"
    path.write_text(f">reference\n{reference}\n>query\n{query}\n")
    command = ["mafft", "--quiet", "--preservecase", "--retree", "1", path]
    aligned = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return ["".join(record.split("\n")[1:]) for record in aligned.split(">")[1:]]


def gap_lengths(aligned: str) -> list[int]:
    return sorted(map(len, re.findall("-+", aligned)))


def mutate(rng: np.random.Generator) -> str:
    """The reference with substitutions all over, indels in the gene, a run of N and ambiguous bases."""
    genome = list(WUHAN)
    for position in rng.integers(len(genome), size=60):
        genome[position] = rng.choice([base for base in "ACGT" if base != genome[position]])
    for position in rng.integers(START, END - 50, size=5):
        if rng.random() < 0.6:
            genome[position : position + rng.integers(1, 28)] = [""] * 1
        else:
            genome[position] += random_bases(int(rng.integers(1 << 30)), int(rng.integers(1, 13)))
    sequence = "".join(genome)
    start, length = rng.integers(START, END), rng.integers(1, 400)
    sequence = sequence[:start] + "N" * len(sequence[start : start + length]) + sequence[start + length :]
    for position in rng.integers(len(sequence), size=4):
        sequence = sequence[:position] + rng.choice(list("RYSWKM")) + sequence[position + 1 :]
    return sequence


def test_known_deletions_and_insertions(extract):
    found = extract(
        {
            "reference": WUHAN,
            "alpha": replace(replace(WUHAN, 21991, 21993, ""), 21765, 21770, ""),
            "delta": replace(WUHAN, 22029, 22034, ""),
            "omicron BA.1": replace(replace(WUHAN, 22204, 22204, "TGAGCCAGAA"), 22194, 22196, ""),
            "mu": replace(WUHAN, 21990, 21990, "TTAC"),
            "B.1.640": replace(WUHAN, 21967, 21993, ""),
        }
    ).spikes
    assert found["projected"]["reference"] == found["native"]["reference"] == SPIKE
    assert dict(found["deletions"]) == {
        "reference": "",
        "alpha": "203-208;430-432",  # H69, V70 across codons, and Y144
        "delta": "467-472",
        "omicron BA.1": "632-634",
        "mu": "",
        "B.1.640": "406-432",
    }
    assert dict(found["insertions"][lambda column: column != ""]) == {"omicron BA.1": "642:GAGCCAGAA", "mu": "428:TAC"}
    assert list(found["native"].str.len()) == [3822, 3813, 3816, 3828, 3825, 3795]
    assert (found["covered_fraction"] == 1).all()


@pytest.mark.parametrize(
    ("start", "end", "bases", "deletions", "insertions"),
    [(21967, 21993, "", "406-432", ""), (22204, 22204, "TGAGCCAGAA", "", "642:GAGCCAGAA")],
    ids=["deletion of 27", "insertion of 9"],
)
def test_indels_at_every_place_of_a_tile(extract, start, end, bases, deletions, insertions):
    genome = replace(WUHAN, start, end, bases)
    found = extract({str(cut): genome[cut:] for cut in range(0, 100, 3)}).spikes
    assert set(found["deletions"]) == {deletions}
    assert set(found["insertions"]) == {insertions}
    assert found["native"].nunique() == found["projected"].nunique() == 1


def test_strand_and_tiles_do_not_matter(extract):
    rng = np.random.default_rng(7)
    genomes = {}
    for number in range(25):
        genome = mutate(rng)
        for cut in (0, 17, 50, 83):
            genomes[f"{number}|{cut}|+"] = genome[cut:]
            genomes[f"{number}|{cut}|-"] = other_strand(genome[cut:])
    found = extract(genomes, max_n=1.0, min_covered=0.0)
    assert found.rejected.empty
    forms = found.spikes.groupby(found.spikes.index.str.split("|").str[0])
    assert (forms[["native", "projected", "insertions", "deletions"]].nunique() == 1).all(axis=None)
    for spike in found.spikes.itertuples():
        assert spliced(spike) == spike.native
        assert spike.native in genomes[spike.Index] or spike.native in other_strand(genomes[spike.Index])


@pytest.mark.parametrize(("tile_length", "tile_overlap"), [(100, 45), (300, 20), (5000, 100)])
def test_other_tilings_give_the_same_spikes(extract, tile_length, tile_overlap):
    rng = np.random.default_rng(11)
    genomes = {str(number): mutate(rng) for number in range(6)}
    expected = extract(genomes).spikes
    pd.testing.assert_frame_equal(extract(genomes, tile_length=tile_length, tile_overlap=tile_overlap).spikes, expected)


def test_symbols_that_alignments_do_not_keep(extract):
    genome = replace(replace(WUHAN, 23000, 23002, "RYK"), 24000, 24599, "N" * 600)
    spike = extract({"x": genome}).spikes.loc["x"]
    assert spike.native == spike.projected == genome[START - 1 : END]
    assert (spike.n_fraction, spike.covered_fraction) == (pytest.approx(603 / 3822), 1.0)


def test_genomes_without_a_spike_are_rejected(extract):
    inverted = replace(WUHAN, 22500, 24000, other_strand(WUHAN[22499:24000]))
    found = extract(
        {
            "good": WUHAN,
            "something else": random_bases(5, 20_000),
            "all N": "N" * 29_903,
            "first half": WUHAN[:20_000],
            "ends in the spike": WUHAN[:24_000],
            "masked": replace(WUHAN, 22001, 24000, "N" * 2000),
            "inverted": inverted,
            "two spikes": WUHAN + WUHAN[START - 1 :],
            "foreign within": replace(WUHAN, 23000, 23000, random_bases(6, 500)),
            "good again": WUHAN[30:],
        }
    )
    assert list(found.spikes.index) == ["good", "good again"]
    assert dict(found.rejected["reason"]) == {
        "something else": "unaligned",
        "all N": "unaligned",
        "first half": "no_gene",
        "ends in the spike": "low_coverage",
        "masked": "too_many_n",
        "inverted": "conflicting",
        "two spikes": "conflicting",
        "foreign within": "conflicting",
    }
    assert found.rejected["detail"].str.endswith(".").all()


def test_nothing_is_filled_in_with_the_reference(extract):
    found = extract({"x": WUHAN[: START + 1000] + WUHAN[START + 1400 :]}, min_covered=0.5)
    spike = found.spikes.loc["x"]
    assert spike.projected == SPIKE[:1001] + "N" * 400 + SPIKE[1401:]
    assert spike.native == SPIKE[:1001] + SPIKE[1401:]


@pytest.mark.parametrize("number", [0, 2])
def test_fewer_genomes_than_shards(extract, tmp_path, number):
    found = extract({f"genome {i}": WUHAN for i in range(number)}, shards=3)
    assert (len(found.spikes), len(found.rejected)) == (number, 0)
    tables = []
    for name, table in zip(("values", "indels"), summarise_spikes(tmp_path / "spikes.parquet"), strict=True):
        write_tsv(table, tmp_path / name)
        tables.append(read_tsv(tmp_path / name))
    figure = draw_spikes(*tables, ["alpha", "beta"], "spike", 3822, "a test")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [f"alpha ({number})", "beta (0)"]


def test_shards_give_the_same_spikes_in_the_same_order(extract):
    rng = np.random.default_rng(3)
    genomes = {str(number): mutate(rng) for number in range(7)} | {"something else": random_bases(5, 9000)}
    one, three = extract(genomes), extract(genomes, shards=3)
    pd.testing.assert_frame_equal(one.spikes, three.spikes)
    pd.testing.assert_frame_equal(one.rejected, three.rejected)


def far_from(sequence: str, seed: int, share: float = 0.3) -> str:
    """The sequence with another base at a share of its places."""
    rng = np.random.default_rng(seed)
    bases = np.array([" ACGT".index(base) for base in sequence])
    changed = rng.random(len(bases)) < share
    bases[changed] = (bases[changed] - 1 + rng.integers(1, 4, changed.sum())) % 4 + 1
    return "".join(" ACGT"[base] for base in bases)


def test_a_genome_that_differs_in_a_third_of_its_bases(extract):
    """Every base on its place, though bwa's own options find almost nothing of it."""
    genomes = {str(seed): far_from(WUHAN, seed) for seed in range(3)}
    found = extract(genomes, preset="divergent")
    assert found.spikes["projected"].to_dict() == {name: one[START - 1 : END] for name, one in genomes.items()}
    assert set(extract(genomes).rejected["reason"]) <= {"low_coverage", "no_gene", "unaligned"}


def test_a_deletion_in_a_genome_far_away(extract):
    """Of 30 bases, found to within a few: at its sides bases agree by chance."""
    far = far_from(WUHAN, 4)
    place = START + 1500
    spike = extract({"far": far[:place] + far[place + 30 :]}, preset="divergent").spikes.loc["far"]
    assert spike["projected"].count("-") == 30
    expected = far[START - 1 : place] + 30 * "-" + far[place + 30 : END]
    assert sum(one != other for one, other in zip(spike["projected"], expected, strict=True)) <= 20


@pytest.mark.skipif(not DENGUE.exists(), reason="needs the real genomes of ../shared/data")
def test_serotypes_of_dengue_stand_where_mafft_puts_them(tmp_path):
    """The envelope gene of one genome of each serotype, against a global alignment of the whole genomes."""
    reference = read_single(DENGUE / "reference.fasta")
    tips = {tip.attributes["clade_membership"]: tip for tip in read_tips(read_tree(DENGUE / "tree.json"), "")}
    genomes = {name: tip.sequence.replace("-", "") for name, tip in tips.items() if name.startswith("DENV")}
    assert len(genomes) == 4
    index = tmp_path / "genome.fasta"
    shutil.copy(DENGUE / "reference.fasta", index)
    index.chmod(0o644)
    subprocess.run(["bwa", "index", index], check=True, capture_output=True)
    for name, genome in genomes.items():
        spike = project_with_bwa(tmp_path, index, name, genome)
        by_mafft = placed_by_mafft(reference.sequence, genome, tmp_path)[938:2423]
        alike = sum(one == other for one, other in zip(spike, by_mafft, strict=True))
        assert alike >= 0.99 * len(spike), name


def project_with_bwa(folder: Path, index: Path, name: str, genome: str) -> str:
    """The projected envelope gene of a genome of dengue."""
    files = {suffix: folder / f"{name}.{suffix}" for suffix in ("fasta", "tsv", "bam", "bai", "parquet", "rejected")}
    with fasta_writer(files["fasta"]) as write, row_writer(files["tsv"], ("accession", "class")) as rows:
        write(name, genome)
        rows.writerow((name, "x"))
    tiling = {"tile_length": 150, "tile_overlap": 50}
    place = (files["fasta"], files["tsv"])
    align_shard(*place, index, files["bam"], files["bai"], **tiling, threads=2, preset="divergent")
    files["bai"].rename(f"{files['bam']}.bai")
    made = {"spikes": files["parquet"], "rejected": files["rejected"], "preset": "divergent"}
    shares = {"min_covered_fraction": 0.9, "max_n_fraction": 0.1}
    extract_spikes(*place, files["bam"], index, 939, 2423, **tiling, **shares, **made)
    return pd.read_parquet(files["parquet"])["projected"].item()


def placed_by_mafft(reference: str, genome: str, folder: Path) -> str:
    """What mafft puts on each base of the reference."""
    one, other = align_with_mafft(reference, genome, folder)
    return "".join(base for kept, base in zip(one, other, strict=True) if kept != "-").upper()


def test_an_aligner_that_fails_leaves_nothing_behind(tmp_path):
    with fasta_writer(tmp_path / "x.fasta") as write, row_writer(tmp_path / "x.tsv", ("accession", "class")) as rows:
        write("x", WUHAN)
        rows.writerow(("x", "alpha"))
    before = set(tmp_path.iterdir())
    with pytest.raises(InputError, match="`bwa mem .* exit code 1.*fail to locate the index"):
        align_shard(
            tmp_path / "x.fasta",
            tmp_path / "x.tsv",
            tmp_path / "no index",
            tmp_path / "x.bam",
            tmp_path / "x.bam.bai",
            tile_length=150,
            tile_overlap=50,
            threads=1,
        )
    assert set(tmp_path.iterdir()) == before


def test_every_program_of_a_pipeline_is_checked():
    fails = ["sh", "-c", "echo no luck >&2; exit 3"]
    with pytest.raises(InputError, match=r"`sh -c .*` ended with exit code 3: no luck$"), pipeline(fails, ["cat"]):
        pass
    with pytest.raises(InputError, match="no-such-program is not installed"), pipeline(["cat"], ["no-such-program"]):
        pass
    with pipeline(["tr", "a", "b"], ["tr", "b", "c"]) as (stdin, stdout):
        stdin.write(b"abc")
        stdin.close()
        assert stdout.read() == b"ccc"


def test_our_own_error_is_not_hidden_by_the_programs_it_stops():
    with pytest.raises(KeyError, match="ours"), pipeline(["yes"], ["cat"]):
        raise KeyError("ours")


def test_a_gene_beyond_the_reference_is_refused():
    with pytest.raises(InputError, match="reference.start and reference.end are 21563 and 29904.*1 to 29903"):
        read_gene(REFERENCE, START, 29904)


def test_summary_counts_indels_and_lengths(extract, tmp_path):
    extract(
        {
            "a": WUHAN,
            "b": replace(WUHAN, 21765, 21770, ""),
            "c": replace(replace(WUHAN, 22204, 22204, "TGAGCCAGAA"), 21765, 21770, ""),
        }
    )
    values, indels = summarise_spikes(tmp_path / "spikes.parquet")
    assert values[values["statistic"] == "native_length"][["class", "value", "n"]].values.tolist() == [
        ["alpha", 3816, 1],
        ["alpha", 3822, 1],
        ["alpha", 3825, 1],
    ]
    assert indels.values.tolist() == [
        ["alpha", "deletion", 203, 208, "", 2, pytest.approx(2 / 3)],
        ["alpha", "insertion", 642, 643, "GAGCCAGAA", 1, pytest.approx(1 / 3)],
    ]
    figure = draw_spikes(values, indels, ["alpha", "beta"], "spike", 3822, "a test")
    length_axes, _, indel_axes = figure.axes
    assert [label.get_text() for label in length_axes.get_yticklabels()] == ["alpha (3)", "beta (0)"]
    assert [bar.get_x() + bar.get_width() / 2 for bar in indel_axes.patches] == [pytest.approx(205.5)]


def test_consensus_genomes_of_lineages_keep_their_columns(extract, shared_data):
    # The records are on the coordinates of the reference, with `-` for what is deleted: an answer known beforehand.
    records = [record for i, record in enumerate(read_fasta(shared_data / "lineages/genomes.fasta.zst")) if not i % 12]
    found = extract({record.name: record.sequence.replace("-", "") for record in records}, shards=2).spikes
    columns = pd.Series({record.name: record.sequence[START - 1 : END] for record in records})
    assert (found["native"] == columns.str.replace("-", "")).all()
    # In two of all 3,585 a deletion stands elsewhere, at the same number of substitutions.
    assert set(found.index[found["projected"] != columns]) <= {"LP.9", "LS.1"}


def test_isolates_against_another_aligner(extract, shared_data, tmp_path):
    labels = read_tsv(shared_data / "isolates/labels.tsv").set_index("name")["class"]
    sequences = {record.name: record.sequence for record in read_fasta(shared_data / "isolates/genomes.fasta.zst")}
    chosen = [name for _, names in labels.groupby(labels) for name in names.index[:2]]
    found = extract({name: sequences[name].replace("-", "") for name in chosen}, max_n=0.5).spikes
    for name, spike in found.iterrows():
        reference, query = align_with_mafft(SPIKE, spike.native, tmp_path)
        assert gap_lengths(reference) == sorted(map(len, re.findall("[A-Z]+", spike.insertions))), name
        projected = "".join(q for q, r in zip(query, reference, strict=True) if r != "-")
        assert gap_lengths(projected) == gap_lengths(spike.projected), name
        differ = [i for i in range(len(SPIKE)) if projected[i] != spike.projected[i]]
        near_a_gap = {j for i, symbol in enumerate(spike.projected) if symbol in "-N" for j in range(i - 9, i + 10)}
        assert set(differ) <= near_a_gap, name
