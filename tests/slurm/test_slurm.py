"""Runs on a real SLURM of two nodes: whatever is lost on the way, the results are those of an undisturbed run."""

import re
import signal
import subprocess
import sys
from datetime import datetime

import pytest
import yaml

from runs import RESULTS, job_ids, jobs_of, on_cluster

SHARDS = [f"alignment/{shard}.bam" for shard in range(4)]
SAME = [
    "spikes/spikes.parquet",
    "dataset/splits.parquet",
    "dataset/vocabulary.txt",
    "dataset/test.arrow",
    "model/pretrained/model.safetensors",
    "model/finetuned/model.safetensors",
    "model/history/finetuned.tsv",
    "predictions/finetuned/test.parquet",
]


def test_both_nodes_do_jobs(disturbed):
    assert {job["NodeList"] for job in disturbed.jobs if job["JobState"] == "COMPLETED"} == {"one", "two"}


def test_shards_are_an_array(disturbed):
    align = jobs_of(disturbed.jobs, "align")
    assert len(align) == 4
    assert len({job["ArrayJobId"] for job in align} - {""}) == 1


def test_figures_share_a_job(disturbed):
    assert len(jobs_of(disturbed.jobs, "figures")) == 1


def test_the_lost_node_s_job_was_done_again(disturbed):
    lost = [job for job in disturbed.jobs if job["Restarts"] != "0"]
    assert lost and lost == [job for job in jobs_of(disturbed.jobs, "align") if job["Restarts"] != "0"]
    assert {job["JobState"] for job in lost} == {"COMPLETED"}


def test_the_training_that_ran_out_of_time_went_on(disturbed):
    training = jobs_of(disturbed.jobs, "finetune")
    assert [(job["JobState"], job["TimeLimit"]) for job in sorted(training, key=lambda job: int(job["JobId"]))] == [
        ("TIMEOUT", "00:02:00"),
        ("COMPLETED", "00:05:00"),
    ]
    assert "going on from step" in (disturbed.results / "logs/model/finetune_finetuned.log").read_text()


def test_status_knows_jobs_of_arrays_and_groups_and_those_that_were_sent_again(disturbed):
    command = [sys.executable, "tools/show-status.py"]
    folder = disturbed.results.parents[1]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    done, total = re.fullmatch(r"(\d+) of (\d+) jobs done\n", said).groups()
    assert done == total and int(total) > len(disturbed.jobs)


@pytest.mark.parametrize("name", SAME)
def test_files_are_those_of_an_undisturbed_run(disturbed, undisturbed, name):
    assert (disturbed.results / name).read_bytes() == (undisturbed.folder / RESULTS / name).read_bytes()


def test_nothing_half_written_remains(disturbed):
    assert not list(disturbed.results.rglob(".partial-*"))
    assert not (disturbed.results / "checkpoints/finetuned").exists()


def at_a_time(jobs: list[dict[str, str]]) -> int:
    """The most jobs that ran at one time, by SLURM's clock."""
    times = [[datetime.fromisoformat(job[name]) for name in ("StartTime", "EndTime")] for job in jobs]
    return max(sum(start <= begin < end for start, end in times) for begin, _ in times)


def test_two_nodes_align_two_shards_at_a_time_and_one_node_one(cluster, undisturbed):
    def align() -> list[dict[str, str]]:
        before = job_ids(cluster)
        command = on_cluster(*(f"{RESULTS}/{shard}" for shard in SHARDS), "--forcerun", "align")
        result = subprocess.run(command, cwd=undisturbed.folder, capture_output=True, text=True, check=False)
        assert result.returncode == 0, (result.stdout + result.stderr)[-8000:]
        jobs = [job for job in cluster.jobs() if job["JobId"] not in before]
        assert len(jobs) == 4
        return jobs

    assert at_a_time(align()) == 2
    cluster.scontrol("update", "NodeName=two", "State=DRAIN", "Reason=test")
    try:
        assert at_a_time(align()) == 1
    finally:
        cluster.scontrol("update", "NodeName=two", "State=RESUME")


GPU_RULES = """
rule all:
    localrule: True
    input: "counted", "named"

rule counted:
    output: "counted"
    resources: gpu=1
    shell: "touch {output}"

rule named:
    output: "named"
    resources: gpu=1
    shell: "touch {output}"
"""


def test_gpus_are_asked_for_by_number_or_by_gres(cluster, sharded, tmp_path):
    profile = yaml.safe_load((sharded.folder / "my-profile/config.yaml").read_text(encoding="utf-8"))
    profile["set-resources"] = {"named": {"gpu": 0, "gres": "gpu:1"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    (tmp_path / "Snakefile").write_text(GPU_RULES, encoding="utf-8")
    before = job_ids(cluster)
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", str(tmp_path)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    jobs = [job for job in cluster.jobs() if job["JobId"] not in before]
    assert [job["TresPerJob"] for job in jobs_of(jobs, "counted")] == ["gres:gpu:1"]
    assert [job["TresPerNode"] for job in jobs_of(jobs, "named")] == ["gres:gpu:1"]


def heed_interrupts() -> None:
    """What a shell runs in the background ignores them, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupted_run_takes_its_jobs_with_it(cluster, sharded, tmp_path):
    (tmp_path / "Snakefile").write_text('rule long:\n    output: "out"\n    shell: "sleep 600"\n', encoding="utf-8")
    before = job_ids(cluster)
    profile = str(sharded.folder / "my-profile")
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", profile]
    with open(tmp_path / "log", "w", encoding="utf-8") as log:
        run = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, preexec_fn=heed_interrupts)

    def state() -> set[str]:
        return {job["JobState"] for job in cluster.jobs() if job["JobId"] not in before}

    try:
        cluster.wait(lambda: state() == {"RUNNING"}, "the job to run")
        run.send_signal(signal.SIGINT)
        assert run.wait(60) != 0
        cluster.wait(lambda: state() == {"CANCELLED"}, "the job to be cancelled")
    finally:
        run.kill()
        run.wait()
