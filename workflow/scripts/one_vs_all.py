"""Tell each class from the rest by the tokens in a few slots: the most attended, the most informative, random ones."""

from spikegeometry.analyses import one_vs_all
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
arguments = arguments_of_rule(one_vs_all.measure, snakemake, device=prepare("cpu", snakemake.threads))
write_results(one_vs_all.measure(**arguments), snakemake.output)
