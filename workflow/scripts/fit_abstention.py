"""Fit the temperature and the thresholds under which the classifier abstains, on the validation split."""

from spikegeometry.evaluation.abstention import threshold_table, write_abstention
from spikegeometry.evaluation.detection import fit_rule, read_validation
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
validation = read_validation(given.predictions, given.validation, params.classes)
rule = fit_rule(validation, params.classes, params.score, params.keep)
write_abstention(rule, snakemake.output.rule)
write_tsv(threshold_table(rule), snakemake.output.thresholds)
