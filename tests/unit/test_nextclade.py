"""What a Nextclade dataset gives a configuration, on datasets written by hand."""

import json
import zipfile

import pytest

from spikegeometry.config import load_config
from spikegeometry.errors import InputError
from spikegeometry.genomes.nextclade import with_dataset
from spikegeometry.genomes.parts import protein_parts
from spikegeometry.genomes.reference import fit_to_reference
from test_auspice import node, tree

GENE = "ATG" + "GCT" * 20 + "TAA"
GENOME = "ACGTACGTAC" + GENE + "ACGTA"
ROWS = [f"r\t.\tCDS\t11\t{10 + len(GENE)}\t.\t+\t0\tName=F", "r\t.\tCDS\t1\t6\t.\t+\t0\tName=G"]


def tips(count, **attributes):
    return [node(f"{next(iter(attributes.values()))} {number}", ["A1C"], **attributes) for number in range(count)]


def write_dataset(folder, **pathogen):
    folder.mkdir(parents=True)
    (folder / "reference.fasta").write_text(f">r\n{GENOME}\n")
    (folder / "genome_annotation.gff3").write_text("\n".join(ROWS) + "\n")
    (folder / "pathogen.json").write_text(json.dumps(pathogen))
    leaves = [*tips(4, clade_membership="A"), *tips(3, clade_membership="B.1"), *tips(2, clade_membership="C")]
    (folder / "tree.json").write_text(json.dumps(tree(node("root", (), leaves))))
    (folder / "sequences.fasta").write_text(">A 0\nACGT\n")
    return folder


def given(dataset, **more):
    source = {"type": "auspice", "auspice": {"min_per_class": 3}}
    return {"run": "x", "reference": {"dataset": str(dataset)}, "source": source} | more


def test_all_that_a_dataset_says(tmp_path):
    folder = write_dataset(tmp_path / "flu", defaultCds="F")
    found = with_dataset(
        given(folder, external={"examples": {"type": "auspice", "auspice": {"sequences": "examples"}}})
    )
    assert found["reference"] == {
        "dataset": str(folder),
        "fasta": str(folder / "reference.fasta"),
        "annotation": str(folder / "genome_annotation.gff3"),
        "gene": "F",
        "start": 11,
        "end": 10 + len(GENE),
        "domains": None,
        "regions": None,
    }
    assert found["classes"] == ["A", "B.1"]
    assert found["source"]["auspice"]["tree"] == str(folder / "tree.json")
    assert found["external"]["examples"]["auspice"] == {
        "sequences": str(folder / "sequences.fasta"),
        "tree": str(folder / "tree.json"),
    }
    assert found["analyses"]["attributions"]["definitions"] == "learn"
    assert found["cleaning"] == {"min_length": round(len(GENOME) / 10), "max_length": 2 * len(GENOME)}


def test_the_whole_configuration_fits(tmp_path):
    folder = write_dataset(tmp_path / "flu", defaultCds="F")
    config = fit_to_reference(load_config(with_dataset(given(folder))))
    assert config["analyses"]["attention_positions"]["activate"]
    # Read again, as the jobs of a run do, it is the same.
    assert fit_to_reference(load_config(with_dataset(config))) == config


def test_what_a_configuration_says_itself_stays(tmp_path):
    folder = write_dataset(tmp_path / "flu", defaultCds="G")
    mine = given(folder, classes=["A", "C"], cleaning={"min_length": 5}, data=str(folder))
    mine["reference"] |= {"dataset": "{data}", "gene": "F", "domains": "{data}/mine.tsv"}
    found = with_dataset(mine)
    assert found["classes"] == ["A", "C"]
    assert found["cleaning"]["min_length"] == 5
    assert (found["reference"]["gene"], found["reference"]["start"]) == ("F", 11)
    assert found["reference"]["domains"] == "{data}/mine.tsv"
    assert mine["reference"]["dataset"] == "{data}", "what is given is not changed"


def test_a_zip_file_gives_what_its_folder_does(tmp_path):
    folder = write_dataset(tmp_path / "flu", defaultCds="F")
    path = tmp_path / "flu.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"../../flu/{file.name}")
        archive.writestr("../../outside.txt", "no file of a dataset")
        archive.writestr("/etc/tree.json.txt", "nor this")
    found = with_dataset(given(path, network={"cache": str(tmp_path / "cache")}))
    (unpacked,) = (tmp_path / "cache/datasets").iterdir()
    assert {file.name for file in unpacked.iterdir()} == {file.name for file in folder.iterdir()}
    assert (unpacked / "reference.fasta").read_text() == (folder / "reference.fasta").read_text()
    assert found["reference"]["fasta"] == str(unpacked / "reference.fasta")
    assert not (tmp_path / "outside.txt").exists()


def test_two_datasets_in_one_zip_file(tmp_path):
    path = tmp_path / "flu.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/reference.fasta", ">r\nA\n")
        archive.writestr("b/reference.fasta", ">r\nA\n")
    with pytest.raises(InputError, match="has two files reference.fasta"):
        with_dataset(given(path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reference": {"dataset": "nowhere"}}, "reference.dataset: no folder and no zip file nowhere"),
        ({"reference": {"gene": "HA"}}, "has no gene HA.\nIt has: F, G."),
        ({"source": {"class_by": "lineage"}}, "no tip of .*tree.json has lineage"),
        (
            {"source": {"min_per_class": 4}},
            "fewer than two classes of clade_membership have 4 tips .*\nIt has: A 4, B.1 3",
        ),
        ({"source": {"tree": "https://example.org/tree.json"}}, "the tree is behind a URL.\nName the classes"),
    ],
)
def test_what_is_refused(tmp_path, change, message):
    mine = given(write_dataset(tmp_path / "flu", defaultCds="F"))
    mine["reference"] |= change.get("reference", {})
    mine["source"]["auspice"] |= change.get("source", {})
    with pytest.raises(InputError, match=message):
        with_dataset(mine)


def test_a_dataset_without_default_gene(tmp_path):
    with pytest.raises(InputError, match="has no defaultCds.\nName a gene: F, G."):
        with_dataset(given(write_dataset(tmp_path / "flu")))


def test_a_dataset_without_annotation(tmp_path):
    folder = write_dataset(tmp_path / "flu", defaultCds="F")
    (folder / "genome_annotation.gff3").unlink()
    with pytest.raises(InputError, match="no genome_annotation.gff3 in"):
        with_dataset(given(folder))


@pytest.mark.parametrize("broken", [{"run": "x"}, {"reference": 3, "source": {}}, {"reference": {}, "source": []}])
def test_what_is_no_configuration_is_left_to_its_check(broken):
    assert with_dataset(broken) == broken


def test_parts_of_a_protein_of_which_nothing_is_known(tmp_path):
    folder = write_dataset(tmp_path / "flu")
    fasta, annotation = folder / "reference.fasta", folder / "genome_annotation.gff3"
    domains, regions = protein_parts(fasta, 11, 10 + len(GENE), annotation, None, None)
    assert domains["start"].tolist()[0] == 1
    assert domains["end"].tolist()[-1] == 21  # residues; the stop is none
    assert (domains["start"].to_numpy()[1:] == domains["end"].to_numpy()[:-1] + 1).all()
    assert regions.empty
