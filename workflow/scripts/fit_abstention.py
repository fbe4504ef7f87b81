"""Fit the temperature and the threshold under which the classifier abstains, on the validation split."""

from spikegeometry.dataset.encoding import open_split
from spikegeometry.evaluation.abstention import write_abstention
from spikegeometry.evaluation.detection import fit_rule, read_genomes
from spikegeometry.logs import configure_logging

configure_logging(snakemake.log[0])
params = snakemake.params
haplotypes = open_split(snakemake.input.validation).column("haplotype").to_pandas()
validation = read_genomes(snakemake.input.predictions, haplotypes, params.classes)
write_abstention(fit_rule(validation, params.classes, params.score, params.keep), snakemake.output.rule)
