"""Compare the attention of every head of the fine-tuned model with that of the pre-trained one and of the controls."""

from spikegeometry.analyses import attention_shift
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
study = study_of_rule(given, params, snakemake.threads, "attention_shift")
others = dict(zip(params.models, given.models, strict=True))
results = attention_shift.measure(study, others, prepare(params.device, params.threads))
write_results(results, snakemake.output)
