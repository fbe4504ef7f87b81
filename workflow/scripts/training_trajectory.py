"""Put the statistics of snapshots together: curves, when each is half-way, and what comes first."""

from spikegeometry.analyses import training_trajectory
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, phases = snakemake.input, snakemake.params.phases
arguments = arguments_of_rule(
    training_trajectory.measure,
    snakemake,
    snapshots=dict(zip(phases, given.snapshots, strict=True)),
    histories=dict(zip(phases, given.histories, strict=False)),
)
write_results(training_trajectory.measure(**arguments), snakemake.output)
