"""How far the run in this folder is: done, running, waiting, and about how long it still takes.

Snakemake's own log says it, also of jobs that it has sent to a cluster, where one that waits in the queue counts as
running. A job is taken to last as the finished ones of its rule did, in this run or else in earlier ones of the folder.
"""

import re
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow/scripts"))

from spikegeometry.logs import in_words  # noqa: E402

LOGS, LOCKS = ".snakemake/log/*.log", ".snakemake/locks/*"
CLOCK = re.compile(r"\[(\w{3} \w{3} +\d+ [\d:]+ \d{4})\]")
PLANNED = re.compile(r"^Job stats:\njob +count\n-+ +-+\n(.*?)^total +\d+$", re.MULTILINE | re.DOTALL)
# The log of a job that failed is shown in that of the run; on a cluster it is one of a run of a single job.
SHOWN = re.compile(r"^Logfile .*:\n(={20,})\n.*?^\1$", re.MULTILINE | re.DOTALL)
RULE = re.compile(r"\s*(?:local)?rule (\w+):")
JOB, LOG = re.compile(r"\s+jobid: (\d+)"), re.compile(r"\s+log: ([^\s,]+)")
DONE, ERROR = re.compile(r"Finished jobid: (\d+) "), re.compile(r"\s*Error in (?:rule|group) ")
# Rules that are named of those that wait, and letters of a log's last line.
NAMED, LETTERS = 6, 80


@dataclass
class Run:
    """What a log says: jobs planned by rule; when jobs began and ended, by their numbers; and those that failed."""

    planned: Counter
    rules: dict[str, str] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)


def read_run(text: str) -> Run | None:
    """The run of a log; None for a log of anything else, such as a dry run, or of one that only touches files."""
    table = PLANNED.search(text)
    if not table or " --touch" in text[: table.start()]:
        return None
    run = Run(Counter({line.split()[0]: int(line.split()[1]) for line in table[1].splitlines()}))
    now, rule, log = 0.0, "", ""
    for line in SHOWN.sub("", text[table.end() :]).splitlines():
        if match := CLOCK.match(line):
            now, rule = time.mktime(time.strptime(match[1])), ""
        elif match := RULE.fullmatch(line):
            rule, log = match[1], ""
        elif ERROR.match(line):
            rule = "failed"
        elif match := LOG.match(line):
            log = match[1]
        elif (match := JOB.fullmatch(line)) and rule == "failed":
            run.failed.add(match[1])
            run.began.pop(match[1], None)
        elif match and rule:
            # A job that is tried again begins anew.
            run.failed.discard(match[1])
            run.rules[match[1]], run.logs[match[1]], run.began[match[1]] = rule, log, now
        elif match := DONE.match(line):
            run.ended[match[1]] = now
    return run


def durations(run: Run) -> dict[str, list[float]]:
    """Seconds of finished jobs by rule."""
    found = defaultdict(list)
    for job, end in run.ended.items():
        if job in run.began:
            found[run.rules[job]].append(end - run.began[job])
    return found


def seconds_left(run: Run, earlier: list[Run], now: float) -> tuple[float, float, int]:
    """Seconds until the end, the jobs at a time that this rests on, and jobs of rules that have not been seen to end.

    Those are taken to last as the others of this run did.
    """
    known = {rule: mean(times) for one in [*earlier, run] for rule, times in durations(one).items()}
    other = mean([time for times in durations(run).values() for time in times] or [0.0])
    spent = {job: min(now, run.ended.get(job, now)) - began for job, began in run.began.items()}
    left, going = waiting(run), running(run)
    work = sum(known.get(rule, other) * n for rule, n in left.items())
    work += sum(max(0.0, known.get(run.rules[job], other) - spent[job]) for job in going)
    wall = now - min(run.began.values(), default=now)
    at_a_time = max(1.0, sum(spent.values()) / wall if wall else 1.0)
    unknown = sum(n for rule, n in left.items() if rule not in known)
    return work / at_a_time, at_a_time, unknown + sum(run.rules[job] not in known for job in going)


def running(run: Run) -> list[str]:
    """Numbers of the jobs that have begun and neither ended nor failed."""
    return [job for job in run.began if job not in run.ended and job not in run.failed]


def waiting(run: Run) -> Counter:
    """Jobs by rule that have not begun."""
    return run.planned - Counter(run.rules[job] for job in run.began)


def last_line(path: str) -> str:
    """The last line that a job has logged, which says how far it is."""
    file = Path(path)
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if path and file.is_file() else []
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return said if len(said) <= LETTERS else f"{said[:LETTERS]} ..."


def status(run: Run, earlier: list[Run], now: float, alive: bool) -> str:
    """What to print of a run."""
    total, done = sum(run.planned.values()), len(run.ended)
    lines = [f"{done} of {total} jobs done" + (f", {len(run.failed)} failed" if run.failed else "")]
    if done == total:
        return lines[0]
    if not alive:
        return "\n".join([*lines, "It has ended before its end: start again with the same command."])
    for job in running(run):
        said = last_line(run.logs[job])
        lines.append(f"running {in_words(now - run.began[job])}: {run.rules[job]}" + (f"  ({said})" if said else ""))
    left = waiting(run).most_common()
    more = f" and {len(left) - NAMED} rules more" if len(left) > NAMED else ""
    lines.append("waiting: " + (", ".join(f"{n} {rule}" for rule, n in left[:NAMED]) or "nothing") + more)
    seconds, at_a_time, unknown = seconds_left(run, earlier, now)
    guessed = f"; {unknown} jobs of rules that never ended here are guessed by the others" if unknown else ""
    lines.append(f"left: about {in_words(seconds)} at {at_a_time:.1f} jobs at a time{guessed}")
    return "\n".join(lines)


def main() -> None:
    paths = sorted(Path().glob(LOGS), key=lambda path: path.stat().st_mtime)
    runs = [run for path in paths if (run := read_run(path.read_text(encoding="utf-8", errors="replace")))]
    if not runs:
        print("No run has been started in this folder.")
    else:
        print(status(runs[-1], runs[:-1], time.time(), any(Path().glob(LOCKS))))


if __name__ == "__main__":
    main()
