"""Measure how evenly the token vectors of every layer use the directions of their space."""

from spikegeometry.analyses import isotropy
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake.input, snakemake.params, snakemake.threads, "isotropy")
results = isotropy.measure(study, points=snakemake.params.points, seed=snakemake.params.seed)
write_results(results, snakemake.output)
