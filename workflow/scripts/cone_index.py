"""Measure the cone index of the token vectors of every recorded sequence, and of the sequences of every class."""

from spikegeometry.analyses import cone_index
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
study = study_of_rule(given, params, snakemake.threads, "cone_index")
results = cone_index.measure(
    study, sequences=given.sequences, cls=given.cls, split=given.split, rogue_coordinates=params.rogue_coordinates
)
write_results(results, snakemake.output)
