"""The geometry of a whole run at the size of BERT-base: 12 layers, 12 heads, width 768, 426 tokens, 80 sequences.

    python tests/benchmarks/bert_base.py prepare FOLDER
    python tests/benchmarks/bert_base.py measure FOLDER [ANALYSIS ...]

`prepare` runs the workflow up to the recorded activations, in FOLDER: a quarter of an hour at most on two cores.
`measure` makes the named analyses anew (all, if none is named) on two cores, with their figures, and prints what each
took.

The table: wall clock as Snakemake has it; processor seconds and peak memory as read from the processes fifty times a
second, because Snakemake looks only every half minute; seconds of one core a sequence, and how many times as many the
original program needs. Only processor seconds mean anything on a machine that is busy with other work.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import yaml
from jobs import REPOSITORY, Job, by_rule, command, watch

CONFIG = Path(__file__).with_name("bert-base.yaml")
RUN = Path("results", "bert-base")
CORES = 2
# Seconds a sequence that the original program takes on two cores, for what it has: cone indices of one head of each
# layer, where ours are of all heads; Von Neumann entropies, 0.26 s a head, where ours is one of several entropies.
# Its sums of attention, 0.45 s, are made here while recording: see geometry.py.
ORIGINAL = {"cone_index": 1.63, "attention_entropy": 144 * 0.26}


def analyses() -> list[str]:
    """The analyses that there are, which are named as their rules."""
    schema = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    return list(schema["properties"]["analyses"]["properties"])


def prepare(folder: Path) -> None:
    """Run everything that the analyses need."""
    subprocess.run(command(folder, CONFIG, CORES, "--omit-from", *analyses()), check=True)


def measure(folder: Path, names: list[str]) -> None:
    """Run the analyses and their figures anew, and print what they took."""
    targets = [str(RUN / "geometry" / f"{name}.png") for name in names]
    # Only these rules: what `prepare` made stays, even if the code that makes it has changed since.
    rules = [*names, *(f"plot_{name}" for name in names)]
    choice = ["--rerun-triggers", "mtime", "--forcerun", *names, "--allowed-rules", *rules]
    started = time.monotonic()
    run = psutil.Popen(command(folder, CONFIG, CORES, *targets, *choice))
    jobs: list[Job] = []
    together = watch(run, jobs.append)
    if run.returncode:
        sys.exit(run.returncode)
    seconds, memory = by_rule(jobs, lambda job: job.processor, sum), by_rule(jobs, lambda job: job.resident, max)
    minutes = (time.monotonic() - started) / 60
    sequences = int(pd.read_table(folder / RUN / "activations" / "sequences.tsv")["recorded"].ge(0).sum())
    print(report(folder, names, seconds, memory, sequences))
    print(
        f"{sequences} sequences: {minutes:.1f} min on {CORES} cores, {sum(seconds.values()) / 60:.1f} of processors; "
        f"peak memory of one process {max(memory.values()) / 1e9:.1f} GB, of all together {together / 1e9:.1f} GB"
    )


def report(folder: Path, names: list[str], seconds: dict[str, float], memory: dict[str, int], sequences: int) -> str:
    """A row for each analysis and a last one for their sum."""
    rows = {}
    for name in names:
        clock = pd.read_table(folder / RUN / "benchmarks" / "geometry" / f"{name}.tsv")["s"].iloc[0]
        rows[name] = {
            "clock, s": clock,
            "processor, s": seconds[name],
            "figure, s": seconds[f"plot_{name}"],
            "peak, GB": max(memory[name], memory[f"plot_{name}"]) / 1e9,
            "processor a sequence, s": seconds[name] / sequences,
            "original, s": ORIGINAL.get(name),
        }
    table = pd.DataFrame(rows).T
    # The original's seconds are of two cores.
    table["ratio"] = CORES * table["original, s"] / table["processor a sequence, s"]
    highest = table["peak, GB"].max()
    table.loc["sum"] = table.sum()
    table.loc["sum", ["peak, GB", "original, s", "ratio"]] = highest, None, None
    return table.to_string(float_format="{:.3g}".format, na_rep="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["prepare", "measure"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("analysis", nargs="*", help="an analysis to measure; all if none is named")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if arguments.step == "prepare":
        prepare(folder)
    else:
        measure(folder, arguments.analysis or analyses())


if __name__ == "__main__":
    main()
