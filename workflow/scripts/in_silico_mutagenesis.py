"""Score every substitution of residues by the classifier and the masked model."""

from spikegeometry.analyses import in_silico_mutagenesis
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
device = prepare(snakemake.params.device, snakemake.params.threads)
arguments = arguments_of_rule(in_silico_mutagenesis.measure, snakemake, device=device)
write_results(in_silico_mutagenesis.measure(**arguments), snakemake.output)
