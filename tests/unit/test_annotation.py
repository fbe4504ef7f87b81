"""Genes and parts of proteins from GFF3, on annotations written by hand."""

import pytest

from spikegeometry.errors import InputError
from spikegeometry.genomes.annotation import Part, find_gene, gene_names, parts_of_gene, read_annotation, windows

ROWS = [
    "seq\tsrc\tregion\t1\t1700\t.\t+\t.\tID=whole",
    "seq\tsrc\tgene\t101\t400\t.\t+\t.\tgene=E;gene_name=E",
    "seq\tsrc\tCDS\t501\t800\t.\t.\t0\tID=cds-F;gene=F;Name=F;product=fusion%20protein",
    "seq\tsrc\tCDS\t501\t620\t.\t+\t0\tID=a;Name=ORF1ab",
    "seq\tsrc\tCDS\t620\t900\t.\t+\t0\tID=a;Name=ORF1ab",
    "seq\tsrc\tCDS\t901\t960\t.\t-\t0\tName=R",
    "seq\tsrc\tCDS\t1001\t1060\t.\t+\t0\tID=x1;Name=twice",
    "seq\tsrc\tCDS\t1101\t1160\t.\t+\t0\tID=x2;Name=twice",
    "seq\tsrc\tgene\t1201\t1260\t.\t+\t.\tName=G",
    "seq\tsrc\tCDS\t1204\t1260\t.\t+\t0\tName=G",
]


@pytest.fixture
def annotation(tmp_path):
    path = tmp_path / "genes.gff3"
    path.write_text("##gff-version 3\n" + "\n".join(ROWS) + "\n\n##FASTA\n>seq\nACGT\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("name", "place"), [("E", (101, 400)), ("F", (501, 800)), ("G", (1204, 1260))])
def test_place_of_a_gene(annotation, name, place):
    """That of its CDS; of the gene where there is no CDS."""
    gene = find_gene(read_annotation(annotation), name, annotation)
    assert (gene.start, gene.end) == place


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("HA", "has no gene HA.\nIt has: E, F, ORF1ab, R, twice, G."),
        ("ORF1ab", r"joins ORF1ab from 2 parts \(lines 5, 6\)"),
        ("R", "has R on the reverse strand"),
        ("twice", r"has 2 genes called twice \(lines 8, 9\)"),
    ],
)
def test_genes_that_are_refused(annotation, name, message):
    with pytest.raises(InputError, match=message):
        find_gene(read_annotation(annotation), name, annotation)


def test_a_gene_that_begins_within_a_codon(tmp_path):
    """As parts of genes do that are sequenced for typing."""
    path = tmp_path / "part.gff3"
    path.write_text("s\t.\tCDS\t1\t452\t.\t+\t2\tName=N\n")
    gene = find_gene(read_annotation(path), "N", path)
    assert (gene.start, gene.end) == (3, 452)


def test_names_in_their_order(annotation):
    assert gene_names(read_annotation(annotation)) == ["E", "F", "ORF1ab", "R", "twice", "G"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\n", "line 1 is no row of GFF3"),
        ("# none\n", "names no feature"),
        ("LOCUS       NC_038235    15222 bp    RNA\n", "is a record of GenBank.\nGive the record's annotation in GFF3"),
    ],
)
def test_file_that_is_no_annotation(tmp_path, text, message):
    path = tmp_path / "genes.gff3"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_annotation(path)


def features(tmp_path, *rows):
    path = tmp_path / "parts.gff3"
    path.write_text("".join(f"s\t.\t{kind}\t{start}\t{end}\t.\t+\t.\tName={name}\n" for kind, name, start, end in rows))
    return read_annotation(path)


def test_mature_peptides_partition_the_protein(tmp_path):
    """As in an influenza's HA: bases 21 to 1706 hold 562 residues, of which the last is a stop."""
    parts = [("sig_peptide", "SigPep", 21, 71), ("mat_peptide", "HA1", 72, 1052), ("mat_peptide", "HA2", 1053, 1703)]
    found = parts_of_gene(features(tmp_path, ("CDS", "HA", 21, 1706), *parts), 21, 1706, 561)
    assert found == [Part("SigPep", 1, 17), Part("HA1", 18, 344), Part("HA2", 345, 561)]


def test_what_no_part_covers_is_named_by_its_residues(tmp_path):
    given = features(
        tmp_path,
        ("CDS", "E", 1, 300),
        ("Region", "stem", 151, 210),
        ("Region", "wider than stem", 121, 240),  # overlaps a shorter one
        ("Region", "out of frame", 32, 61),
        ("Region", "beyond", 250, 600),
    )
    assert parts_of_gene(given, 1, 300, 100) == [Part("1-50", 1, 50), Part("stem", 51, 70), Part("71-100", 71, 100)]


@pytest.mark.parametrize("residues", [574, 100, 7, 1])
def test_windows_partition_the_protein_evenly(residues):
    parts = windows(residues)
    assert [residue for part in parts for residue in range(part.start, part.end + 1)] == list(range(1, residues + 1))
    sizes = [part.end - part.start + 1 for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) == min(10, residues)
