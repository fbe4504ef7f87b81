"""Write the captions of the report with the results of the run, the page of methods, and the configuration."""

import json
from pathlib import Path
from types import SimpleNamespace

from spikegeometry.logs import configure_logging
from spikegeometry.report.captions import caption, methods_page
from spikegeometry.report.results import computed_results
from spikegeometry.tables import atomic_path, read_tsv

configure_logging(snakemake.log[0])
given, config = snakemake.input, snakemake.params.config
sources = {Path(path).stem: Path(path).read_text(encoding="utf-8") for path in given.sources}
results = computed_results(
    analyses={Path(path).stem: read_tsv(path) for path in given.analyses},
    kmers=len(read_tsv(given.kmers)),
    **{name: read_tsv(given[name]) for name in snakemake.params.tables},
)
folder = Path(snakemake.output.captions)
folder.mkdir(parents=True, exist_ok=True)
for name, source in sources.items():
    # Further figures of an analysis show the same result.
    told = name if name in results else next((one for one in results if name.startswith(f"{one}_")), "")
    (folder / f"{name}.rst").write_text(caption(source, results.get(told, "")), encoding="utf-8")
with atomic_path(snakemake.output.methods) as partial:
    context = {"snakemake": SimpleNamespace(config=config, wildcards={"set": "named beside the figure"})}
    partial.write_text(methods_page(sources, context, config["run"]), encoding="utf-8")
with atomic_path(snakemake.output.config) as partial:
    partial.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
