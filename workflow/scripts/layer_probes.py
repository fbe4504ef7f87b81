"""Read the class out of every block of the fine-tuned model: linear probes, and the classifier's head refitted."""

from spikegeometry.analyses import layer_probes
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
arguments = arguments_of_rule(
    layer_probes.measure,
    snakemake,
    sets=dict(zip(snakemake.params.sets, snakemake.input.sets, strict=True)),
    references=layer_probes.by_set(snakemake.params.sets, snakemake.params.references, snakemake.input.references),
    device=prepare(snakemake.params.device, snakemake.params.threads),
)
write_results(layer_probes.measure(**arguments), snakemake.output)
