"""Measure on one set how well scores tell known genomes from others, and what abstaining and the temperature do."""

from spikegeometry.dataset.encoding import open_split
from spikegeometry.evaluation.abstention import read_abstention
from spikegeometry.evaluation.detection import (
    Assessor,
    curve_table,
    metric_table,
    read_genomes,
    read_validation,
    score_tables,
    variants,
)
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_tsv, write_tsv_parts

configure_logging(snakemake.log[0])
params, paths, name = snakemake.params, snakemake.input, snakemake.wildcards.set
used = read_abstention(paths.rule)
compared = {}
for part, sequences, predictions in zip((name, "test"), paths.sequences, paths.predictions, strict=True):
    haplotypes = open_split(sequences).column("haplotype").to_pandas()
    compared[part] = read_genomes(predictions, haplotypes, used.classes)
rules = variants(used, read_validation(paths.validation_predictions, paths.validation, used.classes))
assessor = Assessor(params.bootstrap, params.confidence, params.seed, params.calibration_bins)
tables = {
    "metrics": metric_table(compared, compared[name].other, rules, used, assessor),
    "curves": curve_table(compared[name], rules, params.calibration_bins),
}
for output, table in tables.items():
    table.insert(0, "set", name)
    write_tsv(table, snakemake.output[output])
write_tsv_parts((scores.assign(set=name) for scores in score_tables(compared[name], rules)), snakemake.output.scores)
