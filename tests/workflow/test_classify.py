"""Answers for new genomes from a place that holds the model's folder and the configuration, and nothing else."""

import shutil
import subprocess
import sys

import pandas as pd
import pytest

from copied import copy_tree
from spikegeometry.genomes.fasta import fasta_writer, read_fasta


@pytest.fixture(scope="module")
def elsewhere(finished, tmp_path_factory):
    """Another checkout, with the model of the tiny run and no genome of it."""
    copy = copy_tree(tmp_path_factory.mktemp("elsewhere"))
    for name in ("finetuned", "abstention.json", "class_space.safetensors", "about.json", "known.parquet"):
        source, target = (place / "results/tiny/model" / name for place in (finished.folder, copy.folder))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
    with fasta_writer(copy.folder / "test.fasta.zst") as write:
        for record in read_fasta(finished.folder / "results/tiny/external/again/genomes/accepted.fasta.zst"):
            write(record.name, record.sequence)
        write("short", "ACGT")
        write("no spike", "ACGTTGCA" * 1000)
    return copy


def test_answers_are_those_of_the_run(finished, elsewhere):
    result = elsewhere.snakemake("classify", "--config", "query=test.fasta.zst")
    assert result.returncode == 0, (result.stdout + result.stderr)[-5000:]
    answers = pd.read_csv(elsewhere.folder / "results/tiny/queries/test/predictions.tsv", sep="\t", index_col="name")
    known = pd.read_parquet(finished.folder / "results/tiny/predictions/again.parquet").set_index("accession")
    assert answers.index.tolist() == [*known.index, "short", "no spike"]
    assert answers.loc[known.index, "class"].tolist() == known["predicted"].tolist()
    assert answers.loc[known.index, "abstain"].eq("yes").tolist() == known["abstain"].tolist()
    probability = known.filter(regex="^p_").max(axis=1)
    assert (answers.loc[known.index, "probability"] - probability).abs().max() < 1e-5
    assert answers["reason"].tolist()[-2:] == ["too_short", "unaligned"]
    page = (elsewhere.folder / "results/tiny/queries/test/predictions.html").read_text()
    assert "short" in page and "The network has not learnt the task" in page
    assert "sequences of again correctly" in page


def test_answers_say_why(finished, elsewhere):
    """A training sequence is its own nearest; what carries an answer is the difference of two answers of the model."""
    folder = elsewhere.folder / "results/tiny/queries/test"
    answers = pd.read_csv(folder / "predictions.tsv", sep="\t", index_col="name")
    known = pd.read_parquet(finished.folder / "results/tiny/model/known.parquet").set_index("accession")
    assert set(answers["nearest"].dropna()) <= set(known.index)
    assert (answers["nearest_differences"].dropna() <= answers["nearest_compared"].dropna()).all()
    near = answers.dropna(subset=["nearest"]).iloc[0]
    assert known.loc[near["nearest"], "class"] == near["nearest_class"]
    reversions = pd.read_csv(folder / "reversions.tsv", sep="\t")
    # Two epochs teach so small a network nothing: no mutation carries enough to be named.
    assert len(reversions) and reversions["carried"].abs().max() < 0.01
    assert answers["carried_by"].isna().all()


def test_the_same_query_again_has_nothing_to_do(elsewhere):
    assert elsewhere.would_run("classify", "--config", "query=test.fasta.zst") == set()


def test_without_a_query(elsewhere):
    result = elsewhere.snakemake("classify", "--dry-run")
    assert result.returncode == 1 and "--config query=my.fasta" in result.stdout + result.stderr


def test_a_query_that_is_not_there(elsewhere):
    result = elsewhere.snakemake("classify", "--config", "query=missing.fasta")
    assert result.returncode == 1 and "Config key query: no file missing.fasta" in result.stdout + result.stderr


def test_a_query_without_a_model(checkout, elsewhere):
    result = elsewhere.snakemake("classify", "--dry-run", "--config", "query=test.fasta.zst", "run=absent")
    assert result.returncode == 1 and "results/absent/model/finetuned" in result.stdout + result.stderr


@pytest.fixture(scope="module")
def passed_on(finished, tmp_path_factory):
    """A checkout with nothing in it but the published folder of the tiny run, and the genomes of `elsewhere`."""
    made = finished.snakemake("publish")
    assert made.returncode == 0, (made.stdout + made.stderr)[-5000:]
    copy = copy_tree(tmp_path_factory.mktemp("colleague"))
    shutil.copytree(finished.folder / "results/tiny/publish", copy.folder / "model")
    return copy


def by_the_folder(checkout, *arguments):
    """Answers by the published folder, without a configuration."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "classify", "--config", *arguments]
    return subprocess.run(command, cwd=checkout.folder, capture_output=True, text=True, check=False)


def test_a_published_folder_gives_the_answers_of_the_run(elsewhere, passed_on):
    """Before the answers of `elsewhere` are made without training sequences: those of its first test."""
    shutil.copy2(elsewhere.folder / "test.fasta.zst", passed_on.folder)
    result = by_the_folder(passed_on, "query=test.fasta.zst", "model_folder=model")
    assert result.returncode == 0, (result.stdout + result.stderr)[-5000:]
    (theirs,) = passed_on.folder.glob("results/tiny-*/queries/test")
    for name in ("predictions.tsv", "reversions.tsv"):
        assert (theirs / name).read_bytes() == (elsewhere.folder / "results/tiny/queries/test" / name).read_bytes()
    again = by_the_folder(passed_on, "query=test.fasta.zst", "model_folder=model")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_a_published_folder_that_was_cut_answers_nothing(passed_on):
    weights = passed_on.folder / "model/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    result = by_the_folder(passed_on, "query=test.fasta.zst", "model_folder=model", "run=cut")
    assert result.returncode == 1 and "model.safetensors is missing, cut or another" in result.stdout + result.stderr
    assert not (passed_on.folder / "results/cut/queries").exists()


def test_without_the_training_sequences(elsewhere):
    """Who may not pass genomes on leaves them out: the answers stay."""
    (elsewhere.folder / "results/tiny/model/known.parquet").unlink()
    result = elsewhere.snakemake("classify", "--config", "query=test.fasta.zst", "explained=0")
    assert result.returncode == 0, (result.stdout + result.stderr)[-5000:]
    answers = pd.read_csv(elsewhere.folder / "results/tiny/queries/test/predictions.tsv", sep="\t")
    assert answers["nearest"].isna().all() and answers["carried_by"].isna().all() and answers["class"].notna().any()
