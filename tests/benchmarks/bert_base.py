"""The geometry of a whole run at the size of BERT-base: 12 layers, 12 heads, width 768, 426 tokens, 80 sequences.

    python tests/benchmarks/bert_base.py prepare FOLDER
    python tests/benchmarks/bert_base.py measure FOLDER [ANALYSIS ...]

`prepare` runs the workflow up to the recorded activations, in FOLDER: a quarter of an hour at most on two cores.
`measure` makes the named analyses anew (all, if none is named) on two cores, with their figures, and prints what each
took.

The table: wall clock as Snakemake has it; processor seconds and peak memory as read from the processes five times a
second, because Snakemake looks only every half minute; seconds of one core a sequence, and how many times as many the
original program needs. Only processor seconds mean anything on a machine that is busy with other work.
"""

import argparse
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pandas as pd
import psutil
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG = Path(__file__).with_name("bert-base.yaml")
RUN = Path("results", "bert-base")
CORES = 2
SECONDS_BETWEEN_LOOKS = 0.2
# Seconds a sequence that the original program takes on two cores, for what it has: cone indices of one head of each
# layer, where ours are of all heads; Von Neumann entropies, 0.26 s a head, where ours is one of several entropies.
# Its sums of attention, 0.45 s, are made here while recording: see geometry.py.
ORIGINAL = {"cone_index": 1.63, "attention_entropy": 144 * 0.26}


def analyses() -> list[str]:
    """The analyses that there are, which are named as their rules."""
    schema = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    return list(schema["properties"]["analyses"]["properties"])


def command(folder: Path, *arguments: str) -> list[str]:
    """Snakemake on the run in `folder`, with the code of this repository."""
    (folder / RUN).mkdir(parents=True, exist_ok=True)
    if not (folder / "resources").exists():
        (folder / "resources").symlink_to(REPOSITORY / "resources")
    snakefile = REPOSITORY / "workflow" / "Snakefile"
    places = ["--snakefile", str(snakefile), "--directory", str(folder), "--configfile", str(CONFIG)]
    return [sys.executable, "-m", "snakemake", "--cores", str(CORES), *arguments, *places]


def prepare(folder: Path) -> None:
    """Run everything that the analyses need."""
    subprocess.run(command(folder, "--omit-from", *analyses()), check=True)


def measure(folder: Path, names: list[str]) -> None:
    """Run the analyses and their figures anew, and print what they took."""
    targets = [str(RUN / "geometry" / f"{name}.png") for name in names]
    # Only these rules: what `prepare` made stays, even if the code that makes it has changed since.
    rules = [*names, *(f"plot_{name}" for name in names)]
    choice = ["--rerun-triggers", "mtime", "--forcerun", *names, "--allowed-rules", *rules]
    started = time.monotonic()
    run = psutil.Popen(command(folder, *targets, *choice))
    seconds, memory, together = watch(run)
    if run.returncode:
        sys.exit(run.returncode)
    minutes = (time.monotonic() - started) / 60
    sequences = int(pd.read_table(folder / RUN / "activations" / "sequences.tsv")["recorded"].ge(0).sum())
    print(report(folder, names, seconds, memory, sequences))
    print(
        f"{sequences} sequences: {minutes:.1f} min on {CORES} cores, {sum(seconds.values()) / 60:.1f} of processors; "
        f"peak memory of one process {max(memory.values()) / 1e9:.1f} GB, of all together {together / 1e9:.1f} GB"
    )


def watch(run: psutil.Popen) -> tuple[dict[str, float], dict[str, int], int]:
    """Processor seconds and peak bytes in memory of each script until `run` ends, and the peak of all together."""
    seconds, memory, together, before = defaultdict(float), defaultdict(int), 0, {}
    while run.poll() is None:
        resident = 0
        for process in run.children(recursive=True):
            try:
                name, times, size = script(process.cmdline()), process.cpu_times(), process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            resident += size
            if name:
                used = times.user + times.system
                seconds[name] += used - before.get(process, 0)
                before[process] = used
                memory[name] = max(memory[name], size)
        together = max(together, resident)
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return seconds, memory, together


def script(arguments: list[str]) -> str | None:
    """Name of the rule whose script a process runs: Snakemake's copies are called tmp<random>.<script>.py."""
    files = [Path(argument) for argument in arguments if argument.endswith(".py")]
    return files[0].stem.split(".", 1)[-1] if files and files[0].name.startswith("tmp") else None


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
