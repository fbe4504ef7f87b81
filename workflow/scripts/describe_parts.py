"""Write the domains and regions of the gene's protein."""

from spikegeometry.genomes.parts import protein_parts
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
domains, regions = protein_parts(
    given.fasta, params.start, params.end, given.get("annotation"), given.get("domains"), given.get("regions")
)
write_tsv(domains, snakemake.output.domains)
write_tsv(regions, snakemake.output.regions)
