"""Jobs of the tiny run killed at random moments, and the run itself, until it ends: are its files those of a calm run?

    python tests/benchmarks/kill_jobs.py FOLDER [--kills 20] [--seed 1]

Makes two copies of the working tree in FOLDER. In one the run goes through; in the other one a job, or with every
fourth kill Snakemake with all of its jobs, gets SIGKILL some seconds after each start, and the run is started again as
the README says. At last it goes through, and every file but logs and benchmarks is compared, byte by byte; of
alignments, whose headers name temporary files, the records.
"""

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pysam

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2] / "workflow/scripts")]

from copied import Checkout, copy_tree  # noqa: E402

# A job is killed within so many seconds after the first of a start has begun.
LONGEST_WAIT = 30.0
# What ran and when. The atlas says it too, of the jobs that had ended before it.
LEFT_OUT = ("logs/", "benchmarks/", "provenance", "atlas.html")


def jobs(process: psutil.Process) -> list[psutil.Process]:
    """The scripts that a run of Snakemake has started."""
    found = []
    for child in process.children(recursive=True):
        try:
            if ".snakemake/scripts" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def disturb(copy: Checkout, generator: random.Random, whole: bool) -> str | None:
    """Start the run and kill a job of it, or all of it; the name of what was killed, None where the run ended."""
    run = subprocess.Popen(copy.command(), cwd=copy.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process, wait = psutil.Process(run.pid), None
    while run.poll() is None:
        running = jobs(process)
        if running and wait is None:
            wait = time.monotonic() + generator.uniform(0, LONGEST_WAIT)
        if running and time.monotonic() > wait:
            chosen = generator.choice(running)
            try:
                name = Path(chosen.cmdline()[-1]).name.partition(".")[2]
            except (psutil.NoSuchProcess, IndexError):
                continue
            for one in [process, *process.children(recursive=True)] if whole else [chosen]:
                try:
                    one.kill()
                except psutil.NoSuchProcess:
                    continue
            run.wait()
            return name
        time.sleep(0.05)
    return None


def results(copy: Checkout) -> dict[str, bytes]:
    folder = copy.folder / "results/tiny"
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: records(path) if path.suffix == ".bam" else path.read_bytes()
        for name, path in files.items()
        if not name.startswith(LEFT_OUT) and path.suffix != ".bai" and path.name != ".snakemake_timestamp"
    }


def records(path: Path) -> bytes:
    """The alignments of a BAM file as text, without its header."""
    with pysam.AlignmentFile(str(path)) as file:
        return "\n".join(record.to_string() for record in file).encode()


def finish(copy: Checkout) -> None:
    copy.snakemake("--unlock")
    ended = copy.snakemake()
    if ended.returncode:
        sys.exit((ended.stdout + ended.stderr)[-4000:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    calm, killed = (copy_tree(given.folder / name) for name in ("calm", "killed"))
    finish(calm)
    generator = random.Random(given.seed)
    for number in range(1, given.kills + 1):
        whole = number % 4 == 0
        name = disturb(killed, generator, whole)
        if name is None:
            print(f"The run ended before kill {number}.")
            break
        print(f"kill {number}: {'Snakemake, while it ran ' if whole else ''}{name}", flush=True)
        killed.snakemake("--unlock")
    finish(killed)
    one, other = results(calm), results(killed)
    different = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    print(f"{len(one)} files, of which {len(different)} differ")
    sys.exit("\n".join(different) or 0)


if __name__ == "__main__":
    main()
