"""Run the script of a rule in this process, with the files and parameters that the rule gives it."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from snakemake.iocontainers import Wildcards

from checkout import ROOT, read_workflow, script_of

# Of the run's own network, whose folder prefix is empty.
WILDCARDS = Wildcards(fromdict={"network": ""})


class Named(SimpleNamespace):
    """Values by attribute and by name, as Snakemake's."""

    def __getitem__(self, name: str):
        return vars(self)[name]

    def items(self):
        return vars(self).items()


def run_rule(name: str, results: Path, config: dict, **changed) -> dict[str, str]:
    """Run a rule on the files of a run in the folder `results`; returns the paths of its outputs by name.

    `changed` are values in place of those of the rule's params.
    """
    rule = read_workflow(config).get_rule(name)
    folder = f"results/{config['run']}/"

    def placed(value):
        """Files of the run in the folder, other paths from the checkout."""
        if callable(value):
            return placed(value(WILDCARDS))
        if isinstance(value, str):
            path = str(value).replace("<results>/", folder).replace("{network}", "")
            return str(results / path.removeprefix(folder) if path.startswith(folder) else ROOT / path)
        return [placed(one) for one in value]

    output = {key: placed(path) for key, path in rule.expand_output(WILDCARDS)[0].items()}
    params = {key: value(WILDCARDS) if callable(value) else value for key, value in rule.params.items()}
    for path in output.values():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    snakemake = SimpleNamespace(
        input=Named(**{key: placed(value) for key, value in rule.input.items()}),
        output=Named(**output),
        params=Named(**params | {key: value for key, value in changed.items() if key in params}),
        threads=1,
        log=[str(results / "log.txt")],
    )
    runpy.run_path(str(script_of(rule)), init_globals={"snakemake": snakemake})
    return output
