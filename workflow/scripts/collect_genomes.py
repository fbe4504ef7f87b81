"""Read the genomes of a source, clean them, and write those of use and the reasons against the others."""

from spikegeometry.genomes.collect import collect_genomes
from spikegeometry.logs import configure_logging

configure_logging(snakemake.log[0])
collect_genomes(
    source=snakemake.params.source,
    key=snakemake.params.key,
    reference=snakemake.params.reference,
    cleaning=snakemake.params.cleaning,
    classes=snakemake.params.classes,
    class_rules=snakemake.params.class_rules,
    # Not a param: how often a request is tried again must not make anything run again.
    network=snakemake.config["network"],
    seed=snakemake.params.seed,
    fasta=snakemake.output.fasta,
    accepted=snakemake.output.accepted,
    rejected=snakemake.output.rejected,
    counts=snakemake.output.counts,
    unusable=snakemake.params.unusable,
)
