"""What every rule takes as genomes and layers grow: seconds, processor seconds, peak memory, bytes of output.

    python tests/benchmarks/scale.py run FOLDER GENOMES LAYERS [--minutes 9] [--again RULE ...]
    python tests/benchmarks/scale.py report FOLDER [--markdown]

`run` runs the whole workflow on a simulated cohort with the configuration scale.yaml, in a folder of its own below
FOLDER, and writes down what each job took as it ends. With `--minutes` it stops after so many, and the same command
goes on where it stopped. `--again` makes the named rules, and no others, anew.

`report` puts all runs of FOLDER side by side: for each rule the seconds of all its jobs, the largest peak of any, and
the bytes of what they leave; and by how much the peak at 20,000 genomes is above that at 2,000. As Markdown it is one
table, that of config/scale.md.
"""

import argparse
import csv
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import yaml
from jobs import Job, command, watch

CONFIG = Path(__file__).with_name("scale.yaml")
CORES = 2
COLUMNS = ("rule", "clock", "processor", "private", "resident")
SECONDS_BETWEEN_SIZES = 5.0
COMPARED = (2_000, 20_000)
# Title, column of `read_run`, unit.
PARTS = [
    ("clock, s", "clock", 1),
    ("processors, s", "processor", 1),
    ("private, MB", "private", 1e6),
    ("resident, MB", "resident", 1e6),
    ("output, MB", "output", 1e6),
]


def run_folder(folder: Path, genomes: int, layers: int) -> Path:
    return folder / f"genomes-{genomes}-layers-{layers}"


def write_config(path: Path, genomes: int, layers: int) -> None:
    """The configuration of this size, with as many genomes of each of the eight classes."""
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config["source"]["simulate"]["genomes_per_class"] = genomes // 8
    config["model"]["architecture"]["layers"] = layers
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def measure(folder: Path, minutes: float, again: list[str]) -> int:
    """Run, or go on running, the workflow in `folder`; the exit code is 0 where it is finished, 3 where time is up."""
    arguments = ["--nolock", "--keep-going", "--rerun-incomplete", "--rerun-triggers", "mtime"]
    if again:
        arguments += ["--forcerun", *again, "--allowed-rules", *again]
        drop_rows(folder / "jobs.tsv", again)
    end, sizes = time.monotonic() + 60 * minutes, {"next": 0.0, "largest": 0}
    with (
        open(folder / "snakemake.log", "a", encoding="utf-8") as log,
        open(folder / "jobs.tsv", "a", encoding="utf-8", newline="") as table,
    ):
        rows = csv.writer(table, delimiter="\t", lineterminator="\n")
        if not table.tell():
            rows.writerow(COLUMNS)
        run = psutil.Popen(command(folder, folder / "config.yaml", CORES, *arguments), stdout=log, stderr=log)

        def ended(job: Job) -> None:
            if time.monotonic() < end:  # what was broken off is run again
                rows.writerow((job.rule, f"{job.clock:.1f}", f"{job.processor:.1f}", job.private, job.resident))
                table.flush()

        def look() -> None:
            now = time.monotonic()
            if now > end:
                for process in [run, *run.children(recursive=True)]:
                    process.kill()
            elif now > sizes["next"]:
                sizes.update(next=now + SECONDS_BETWEEN_SIZES, largest=max(sizes["largest"], size_of(folder)))

        watch(run, ended, look)
    with open(folder / "disk.tsv", "a", encoding="utf-8") as file:
        file.write(f"{sizes['largest']}\n")
    return 3 if time.monotonic() > end else run.returncode


def drop_rows(table: Path, rules: list[str]) -> None:
    rows = pd.read_table(table)
    rows[~rows["rule"].isin(rules)].to_csv(table, sep="\t", index=False)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    total = 0
    for path in (folder / "results").rglob("*"):
        try:
            total += path.stat().st_blocks * 512 if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def outputs(folder: Path) -> pd.Series:
    """Bytes of the files that each rule leaves."""
    listed = subprocess.run(
        command(folder, folder / "config.yaml", CORES, "--nolock", "--summary"),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    sizes: dict[str, int] = {}
    for row in csv.DictReader(listed.splitlines(), delimiter="\t"):
        path = folder / row["output_file"]
        if path.exists():
            files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
            sizes[row["rule"]] = sizes.get(row["rule"], 0) + sum(one.stat().st_size for one in files)
    return pd.Series(sizes, dtype=float)


def read_run(folder: Path) -> pd.DataFrame:
    """A row for each rule of a run: jobs, clock, processor, private, resident, output."""
    jobs = pd.read_table(folder / "jobs.tsv").groupby("rule")
    table = jobs[["clock", "processor"]].sum().join(jobs[["private", "resident"]].max())
    return table.assign(jobs=jobs.size(), output=outputs(folder))


def report(folder: Path, markdown: bool) -> None:
    """Print the runs of a folder side by side."""
    runs = {}
    for path in sorted(folder.glob("genomes-*-layers-*")):
        _, genomes, _, layers = path.name.split("-")
        runs[int(layers), int(genomes)] = read_run(path)
    if markdown:
        print_markdown(runs)
    else:
        print_parts(runs)
    for (layers, genomes), _ in sorted(runs.items()):
        sizes = (run_folder(folder, genomes, layers) / "disk.tsv").read_text(encoding="utf-8").split()
        print(f"disk at its fullest, {genomes:,} genomes, {layers} layers: {max(map(int, sizes)) / 1e6:,.0f} MB")


def print_parts(runs: dict[tuple[int, int], pd.DataFrame]) -> None:
    """A table of each figure, with all runs."""
    for title, column, unit in PARTS:
        table = pd.DataFrame({key: runs[key][column] / unit for key in sorted(runs)})
        table.columns = [f"{genomes:,} genomes, {layers} layers" for layers, genomes in table.columns]
        few, many = (f"{genomes:,} genomes, 2 layers" for genomes in COMPARED)
        if column in ("private", "resident") and {few, many} <= set(table):
            table["growth, %"] = 100 * (table[many] / table[few] - 1)
        elif column not in ("private", "resident"):
            table.loc["all rules"] = table.sum()
        print(f"\n{title}\n\n{table.map('{:,.1f}'.format).to_string()}")


def print_markdown(runs: dict[tuple[int, int], pd.DataFrame]) -> None:
    """One table: seconds of processors by genomes and by layers, memory at few and many genomes, output at many."""
    few, many = ((2, genomes) for genomes in COMPARED)
    columns = {
        f"{genomes:,} genomes, {layers} layers, s": runs[layers, genomes]["processor"]
        for layers, genomes in sorted(runs)
        if (layers, genomes) != few
    }
    columns |= {f"{key[1]:,} genomes, MB": runs[key]["private"] / 1e6 for key in (few, many)}
    table = pd.DataFrame(columns)
    table["growth, %"] = 100 * (runs[many]["private"] / runs[few]["private"] - 1)
    table["output, MB"] = runs[many]["output"] / 1e6
    print("| rule |" + "".join(f" {name} |" for name in table))
    print("|" + " --- |" * (len(table.columns) + 1))
    for rule, row in table.iterrows():
        print(
            f"| {rule} | " + " | ".join("" if pd.isna(value) else f"{value:,.{value < 10:d}f}" for value in row) + " |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    one = steps.add_parser("run")
    one.add_argument("folder", type=Path)
    one.add_argument("genomes", type=int)
    one.add_argument("layers", type=int)
    one.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many")
    one.add_argument("--again", nargs="+", default=[], metavar="RULE", help="make these rules anew, and no others")
    all_of = steps.add_parser("report")
    all_of.add_argument("folder", type=Path)
    all_of.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    if arguments.step == "report":
        report(arguments.folder.resolve(), arguments.markdown)
        return
    folder = run_folder(arguments.folder.resolve(), arguments.genomes, arguments.layers)
    folder.mkdir(parents=True, exist_ok=True)
    write_config(folder / "config.yaml", arguments.genomes, arguments.layers)
    sys.exit(measure(folder, arguments.minutes, arguments.again))


if __name__ == "__main__":
    main()
