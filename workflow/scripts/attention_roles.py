"""Name the heads by the classes of Kovaleva et al. in every recorded sequence, and measure what special tokens get."""

from spikegeometry.analyses import attention_roles
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "attention_roles")
arguments = arguments_of_rule(attention_roles.measure, snakemake)
write_results(attention_roles.measure(study, **arguments), snakemake.output)
