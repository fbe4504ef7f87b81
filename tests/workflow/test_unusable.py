"""A cohort of no use: the run stops, and says of each record why it was not taken."""

import pandas as pd
import pytest

from copied import Checkout, copy_tree

CONFIG = """
run: unusable
classes: [alpha, delta]
source:
  type: gisaid
  gisaid: {archives: [genomes.fasta, metadata.tsv]}
"""
METADATA = "strain\tgisaid_epi_isl\tmy_lineages\nx/1\tEPI_ISL_1\tQ.1\nx/2\tEPI_ISL_2\tAY.4\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Checkout:
    copy = copy_tree(tmp_path_factory.mktemp("unusable"))
    fasta = "".join(f">x/{number}|EPI_ISL_{number}\n{base * 4000}\n" for number, base in ((1, "A"), (2, "C")))
    for name, text in {"config.yaml": CONFIG, "genomes.fasta": fasta, "metadata.tsv": METADATA}.items():
        (copy.folder / name).write_text(text, encoding="utf-8")
    return copy


def test_the_rejected_records_stay_where_those_of_others_are(copy):
    table = copy.folder / "results/unusable/genomes/rejected.tsv"
    failed = copy.snakemake("--until", "collect_genomes", configfile="config.yaml")
    assert failed.returncode != 0 and "Traceback" not in failed.stderr
    assert "No genome of source is accepted: 2 unlabelled" in failed.stderr
    assert pd.read_csv(table, sep="\t")["accession"].tolist() == ["EPI_ISL_1", "EPI_ISL_2"]
    assert not (table.parent / "accepted.tsv").exists()

    (copy.folder / "metadata.tsv").write_text(METADATA.replace("my_lineages", "pangolin_lineage"), encoding="utf-8")
    mended = copy.snakemake("--until", "collect_genomes", configfile="config.yaml")
    assert mended.returncode == 0, mended.stderr[-3000:]
    assert pd.read_csv(table, sep="\t").empty
    assert not (copy.folder / "results/unusable/logs/genomes/rejected.tsv").exists()
