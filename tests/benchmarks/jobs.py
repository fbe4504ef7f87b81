"""Running the workflow for a benchmark, and what each of its jobs takes.

Processes are looked at fifty times a second, because Snakemake itself looks only every half minute, and not at all at
jobs that are shorter. A job is a script with all that it starts, such as bwa and samtools.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS_BETWEEN_LOOKS = 0.02


@dataclass
class Job:
    """What one job of a rule took: seconds on the clock and of processors, and bytes of memory at their peaks.

    `private` is memory that the job alone has; `resident` has the pages of mapped files besides, which the system can
    drop.
    """

    rule: str
    clock: float = 0.0
    private: int = 0
    resident: int = 0
    processors: dict[psutil.Process, float] = field(default_factory=dict)

    @property
    def processor(self) -> float:
        return sum(self.processors.values())

    def look(self, process: psutil.Process) -> None:
        """Take in what the script and all that it has started use now."""
        self.clock = time.time() - process.create_time()
        private = resident = 0
        for one in [process, *process.children(recursive=True)]:
            try:
                memory, times = one.memory_info(), one.cpu_times()
            except psutil.NoSuchProcess:
                continue
            resident += memory.rss
            private += memory.rss - memory.shared
            self.processors[one] = times.user + times.system
        self.private, self.resident = max(self.private, private), max(self.resident, resident)


def command(folder: Path, config: Path, cores: int, *arguments: str) -> list[str]:
    """Snakemake on a run in `folder`, with the code of this repository."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("resources", "envs", "workflow"):
        if not (folder / name).exists():
            (folder / name).symlink_to(REPOSITORY / name)
    snakefile = REPOSITORY / "workflow" / "Snakefile"
    places = ["--snakefile", str(snakefile), "--directory", str(folder), "--configfile", str(config)]
    return [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments, *places]


def watch(run: psutil.Popen, ended: Callable[[Job], None], look: Callable[[], None] = lambda: None) -> int:
    """Give each job of a run to `ended` when it has ended, and call `look` at each look.

    Returns the largest number of bytes in memory of all processes together.
    """
    jobs: dict[psutil.Process, Job] = {}
    together = 0
    while run.poll() is None:
        running = run.children(recursive=True)
        resident = 0
        for process in running:
            try:
                resident += process.memory_info().rss
                if rule := script(process.cmdline()):
                    jobs.setdefault(process, Job(rule)).look(process)
            except psutil.NoSuchProcess:
                continue
        together = max(together, resident)
        for process in jobs.keys() - set(running):
            ended(jobs.pop(process))
        look()
        time.sleep(SECONDS_BETWEEN_LOOKS)
    for job in jobs.values():
        ended(job)
    return together


def script(arguments: list[str]) -> str | None:
    """Name of the rule whose script a process runs: Snakemake's copies are called tmp<random>.<script>.py."""
    files = [Path(argument) for argument in arguments if argument.endswith(".py")]
    return files[0].stem.split(".", 1)[-1] if files and files[0].name.startswith("tmp") else None


def by_rule(jobs: list[Job], value: Callable[[Job], float], together: Callable) -> dict[str, float]:
    """One number for each rule, as the sum or the largest of those of its jobs."""
    values = defaultdict(list)
    for job in jobs:
        values[job.rule].append(value(job))
    return {rule: together(several) for rule, several in values.items()}
