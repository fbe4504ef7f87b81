"""Write the first page of the report: what the run found, before what it is."""

from pathlib import Path

from spikegeometry.logs import configure_logging
from spikegeometry.report.front import front_page
from spikegeometry.tables import atomic_path, read_tsv

configure_logging(snakemake.log[0])
given = snakemake.input
page = front_page(
    counts=read_tsv(given.counts),
    splits=read_tsv(given.splits),
    metrics=read_tsv(given.metrics),
    abstention=read_tsv(given.abstention),
    findings=read_tsv(given.findings),
    tries=read_tsv(given.tries),
    leakage=read_tsv(given.leakage),
    source=snakemake.params.type,
    template=Path(given.template).read_text(encoding="utf-8"),
)
with atomic_path(snakemake.output.page) as partial:
    partial.write_text(page, encoding="utf-8")
