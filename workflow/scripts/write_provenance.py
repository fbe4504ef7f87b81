"""Write what really ran: versions and machines by the jobs' logs, code, configuration, and checksums."""

import json
from pathlib import Path

from spikegeometry.digest import ROOT
from spikegeometry.logs import configure_logging
from spikegeometry.report.provenance import code_state, jobs_that_ran, provenance, versions
from spikegeometry.tables import atomic_path, write_tsv

configure_logging(snakemake.log[0])
given = snakemake.input
jobs = jobs_that_ran(Path(snakemake.log[0]).parent)
results = [*given.results, given.model]
made = provenance(snakemake.params.config, jobs, code_state(ROOT.parents[2]), given.inputs, results)
write_tsv(versions(jobs), snakemake.output.table)
with atomic_path(snakemake.output.record) as partial:
    partial.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
