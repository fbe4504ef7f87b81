"""Ask which tokens decide on the class of each sequence, and whether these hold the class's defining mutations."""

from spikegeometry.analyses import attributions
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "attributions")
arguments = arguments_of_rule(
    attributions.measure, snakemake, device=prepare(snakemake.params.device, snakemake.params.threads)
)
write_results(attributions.measure(study, **arguments), snakemake.output)
