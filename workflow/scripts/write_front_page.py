"""Write the first page of the report: what the run found, before what it is."""

from pathlib import Path

from spikegeometry.logs import configure_logging
from spikegeometry.report.front import front_page
from spikegeometry.tables import atomic_path, read_tsv

configure_logging(snakemake.log[0])
given = snakemake.input
template = Path(given.template).read_text(encoding="utf-8")
with atomic_path(snakemake.output.page) as partial:
    partial.write_text(front_page(read_tsv(given.metrics), read_tsv(given.tries), template), encoding="utf-8")
