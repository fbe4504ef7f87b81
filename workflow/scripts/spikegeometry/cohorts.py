"""Cohorts of a run: its own genomes, external sets, the background, and genomes to classify.

A cohort is a folder prefix below the results: empty for the run's own, else `external/NAME/`, `background/` or
`queries/NAME/`. A split is a part of a cohort, or a name for all of one.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from spikegeometry.config import query_name, source_paths, uses_class_rules

OWN_SPLITS = ["train", "validation", "test"]


class Cohorts:
    """What a complete configuration says of its cohorts.

    external: names of the external sets; background: splits of the background genomes; query: name of the genomes to
    classify, empty where there are none; prefixes: folder of each split that is none of the run's own; evaluated: the
    splits that predictions are evaluated on.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self._config, self._results = config, f"results/{config['run']}"
        self.external = sorted(config["external"])
        self.background = ["background_train", "background_validation"] if config["source"]["background"] else []
        self.query = query_name(config["query"], f"{self._results}/queries") if config["query"] else ""
        self.prefixes = {name: f"external/{name}/" for name in self.external}
        self.prefixes |= dict.fromkeys(self.background, "background/")
        if self.query:
            # A name that no external set can have.
            self.prefixes[f"query.{self.query}"] = f"queries/{self.query}/"
        self.evaluated = ["validation", "test", *self.external]
        self.splits = [*OWN_SPLITS, *self.prefixes]

    def prefix(self, split: str) -> str:
        """Folder of the cohort that a split belongs to."""
        return self.prefixes.get(split, "")

    def is_whole(self, split: str) -> bool:
        """Whether a split is all of its cohort."""
        return split in self.prefixes and split not in self.background

    def part(self, split: str) -> str | None:
        """Name of a split in the table of its cohort's splits; None for one that is all of its cohort."""
        return None if self.is_whole(split) else split.removeprefix("background_")

    def key(self, cohort: str) -> str:
        """Config key of a cohort's source: `source`, `source.background`, `external.NAME` or `queries.NAME`."""
        keys = {"": "source", "background/": "source.background"}
        return keys.get(cohort, ".".join(Path(cohort).parts))

    def source(self, cohort: str) -> dict[str, Any]:
        """Config block of a cohort's source."""
        if self.query and cohort == f"queries/{self.query}/":
            # A file that was changed has another size or time, and new answers, whichever of two files is the older.
            file = os.stat(self._config["query"])
            stamp = [file.st_size, file.st_mtime_ns]
            return {"type": "query", "query": {"sequences": self._config["query"], "stamp": stamp}}
        block = self._config
        for part in self.key(cohort).split("."):
            block = block[part]
        return {key: block[key] for key in ("type", block["type"])}

    def files(self, cohort: str) -> list[str]:
        """Files that a cohort's source reads."""
        return list(source_paths(self.source(cohort), self._config).values())

    def class_rules(self, cohort: str) -> dict[str, str] | None:
        """Tables of the class rules, where a cohort's source has no classes of its own."""
        return self._config["class_rules"] if uses_class_rules(self.source(cohort)) else None

    def name(self, cohort: str) -> str:
        """A cohort in words: the run, or the name of a set."""
        return Path(cohort).name or "the run"

    def title(self, cohort: str) -> str:
        """A cohort in the title of a figure, which says where its genomes are simulated."""
        return self.name(cohort) + (" (simulated)" if self.source(cohort)["type"] == "simulate" else "")

    def unusable_table(self, cohort: str) -> str:
        """The rejected records of a cohort of no use, where Snakemake does not remove them as a failed job's output."""
        return f"{self._results}/logs/{cohort}genomes/rejected.tsv"

    def keep_unusable_tables(self) -> None:
        """Put the rejected records of cohorts of no use where those of others are."""
        for cohort in ["", *self.prefixes.values()]:
            table = Path(self.unusable_table(cohort))
            if table.exists():
                target = Path(self._results, f"{cohort}genomes/rejected.tsv")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(table, target)
