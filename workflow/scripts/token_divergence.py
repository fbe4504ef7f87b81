"""Count the tokens that differ from the reference's, native and projected, and ask what they say about the class."""

from spikegeometry.analyses import token_divergence
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
arguments = arguments_of_rule(
    token_divergence.measure,
    snakemake,
    external=dict(zip(snakemake.params.external, snakemake.input.external, strict=True)),
)
write_results(token_divergence.measure(**arguments), snakemake.output)
