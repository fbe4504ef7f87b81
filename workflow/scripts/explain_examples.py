"""Ask of a few test sequences where their attention goes, which k-mers decide, and what each mutation carries."""

from spikegeometry.analyses import examples
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
device = prepare(snakemake.params.device, snakemake.params.threads)
write_results(examples.measure(**arguments_of_rule(examples.measure, snakemake, device=device)), snakemake.output)
