"""Tables of one gene or virus are not taken for those of another."""

import pytest

from spikegeometry.config import check_files, load_config
from spikegeometry.errors import InputError
from spikegeometry.genomes.reference import fit_to_reference, protein_length

SOURCE = {"type": "table", "table": {"sequences": "genomes.fasta", "labels": "labels.tsv"}}
BY_LINEAGE = {"type": "table", "table": SOURCE["table"] | {"class_column": None, "lineage_column": "lineage"}}
# M, four other residues and a stop.
GENE = "ATGAAACCCGGGTTTTAA"


def fitted(folder, domains="A\t1\t2\nB\t3\t5\n", regions="", analyses=None, source=SOURCE, genome=None, **reference):
    """The fitted configuration of a small virus whose gene lies at the bases 3 to 20."""
    for name, text in {"domains": domains, "regions": regions}.items():
        (folder / f"{name}.tsv").write_text(f"name\tstart\tend\n{text}")
        reference.setdefault(name, str(folder / f"{name}.tsv"))
    (folder / "genome.fasta").write_text(f">virus\n{genome or f'CC{GENE}GG'}\n")
    reference = {"fasta": str(folder / "genome.fasta"), "start": 3, "end": 20} | reference
    config = {
        "run": "x",
        "source": source,
        "reference": reference,
        "analyses": analyses or {},
        "dataset": {"k": 6, "stride": 3},
    }
    return fit_to_reference(load_config(config))


def test_default_tables_fit_the_default_reference():
    config = load_config({"run": "x", "source": SOURCE})
    assert fit_to_reference(config) == config


def test_protein_ends_before_its_stop():
    reference = {"fasta": "x", "start": 3, "end": 20}
    assert protein_length(f"CC{GENE}", reference) == 5
    assert protein_length(f"CC{GENE[:-3]}AAA", reference) == 6
    assert protein_length(f"CC{GENE}", reference | {"end": 17}) == 5


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"end": 23}, "bases 3 to 23 of .*, which has the bases 1 to 22"),
        ({"end": 19}, "are 17 bases, no multiple of 3"),
        ({"start": 1, "end": 21, "genome": "ATGTAAATGATGATGATGATG"}, "codon 2 of 7 is a stop"),
    ],
)
def test_what_is_no_gene_is_refused(tmp_path, reference, expected):
    with pytest.raises(InputError, match=expected):
        fitted(tmp_path, **reference)


@pytest.mark.parametrize(
    ("domains", "expected"),
    [
        ("A\t1\t2\nB\t3\t6\n", "ends at residue 6, and the protein .* at 5"),
        ("A\t1\t2\nB\t3\t4\n", "ends at residue 4, and the protein .* at 5"),
        ("A\t1\t2\nB\t4\t5\n", "a domain from 4 to 5 after residue 2"),
        ("A\t1\t3\nB\t3\t5\n", "a domain from 3 to 5 after residue 3"),
        ("A\t2\t5\n", "a domain from 2 to 5 after residue 0"),
        ("", "ends at residue 0"),
        ("A\t1\tend\n", "no whole numbers"),
    ],
)
def test_domains_partition_the_protein(tmp_path, domains, expected):
    with pytest.raises(InputError, match=expected):
        fitted(tmp_path, domains=domains)


def test_regions_stay_within_the_protein(tmp_path):
    fitted(tmp_path, regions="whole\t1\t5\n")
    with pytest.raises(InputError, match=r"reference\.regions: .* a region from 2 to 6, the protein 5"):
        fitted(tmp_path, regions="whole\t2\t6\n")


@pytest.mark.parametrize(("start", "end"), [(28274, 29533), (21563, 23617), (22517, 23185)])
def test_another_gene_or_a_part_does_not_get_the_domains_of_spike(start, end):
    # Nucleocapsid, S1 and RBD.
    with pytest.raises(InputError, match=r"spike_domains\.tsv ends at residue 1273"):
        fit_to_reference(load_config({"run": "x", "source": SOURCE, "reference": {"start": start, "end": end}}))


def test_another_virus_does_not_get_the_mutations_of_the_default(tmp_path):
    config = fitted(tmp_path)
    assert config["analyses"]["attributions"]["definitions"] is None
    off = [name for name, block in config["analyses"].items() if not block["activate"]]
    assert off == ["attention_positions", "attributions", "mutation_patching"]


def test_definitions_are_of_the_reference(tmp_path):
    table = tmp_path / "definitions.tsv"
    block = {"attributions": {"definitions": str(table)}}
    table.write_text("founder\tclass\tmutations\nroot\ta\t\none\ta\tA6C\n")
    assert fitted(tmp_path, analyses=block)["analyses"]["attributions"]["definitions"] == str(table)
    table.write_text("founder\tclass\tmutations\nroot\ta\t\none\ta\tG6C\n")
    with pytest.raises(InputError, match="founder one: G6C: the reference has A there"):
        fitted(tmp_path, analyses=block)


def test_another_virus_does_not_get_the_class_rules_of_the_default(tmp_path):
    with pytest.raises(InputError, match=r"Config key class_rules\.rules: the default rules are of SARS-CoV-2"):
        fitted(tmp_path, source=BY_LINEAGE)


def test_definitions_that_are_not_there_are_found_before_any_work():
    source = {"type": "simulate", "simulate": {}}
    analyses = {"attributions": {"definitions": "nowhere.tsv"}}
    with pytest.raises(InputError, match=r"Config key analyses\.attributions\.definitions: no file nowhere\.tsv"):
        check_files(load_config({"run": "x", "source": source, "analyses": analyses}))
