"""Score the attention patterns of every head in every recorded sequence, and name the heads by them."""

from spikegeometry.analyses import attention_gates
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake.input, snakemake.params, snakemake.threads, "attention_gates")
results = attention_gates.measure(study, threshold=snakemake.params.threshold)
write_results(results, snakemake.output)
