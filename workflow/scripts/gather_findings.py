"""Gather the findings of all analyses, of the run's model and of its replicates."""

from pathlib import Path

from spikegeometry.logs import configure_logging
from spikegeometry.stats.findings import joined_findings
from spikegeometry.tables import read_tsv, write_tsv

configure_logging(snakemake.log[0])
given = snakemake.input
tables = {Path(path).parent.name: read_tsv(path) for path in given.findings}
replicates = {name: {} for name in snakemake.params.names}
for path in map(Path, given.replicates):
    replicates[path.parents[2].name][path.parent.name] = read_tsv(path)
tries = {Path(path).stem: read_tsv(path).query("chosen == 'yes'") for path in given.tries}
failed = [name for name, chosen in tries.items() if not chosen["learnt"].eq("yes").all()]
write_tsv(joined_findings(tables, replicates, failed), snakemake.output.table)
