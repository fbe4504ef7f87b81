"""Switch off each head and each layer's attention, and then as many heads as the classifier can go without."""

from spikegeometry.analyses import head_ablation
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
device = prepare(snakemake.params.device, snakemake.params.threads)
arguments = arguments_of_rule(head_ablation.measure, snakemake, device=device)
write_results(head_ablation.measure(**arguments), snakemake.output)
