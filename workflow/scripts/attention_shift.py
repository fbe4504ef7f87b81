"""Compare the attention of every head of the fine-tuned model with that of the pre-trained one and of the controls."""

from spikegeometry.analyses import attention_shift
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_results

configure_logging(snakemake.log[0])
study = study_of_rule(snakemake, "attention_shift")
arguments = arguments_of_rule(
    attention_shift.measure,
    snakemake,
    others=dict(zip(snakemake.params.models, snakemake.input.models, strict=True)),
    device=prepare(snakemake.params.device, snakemake.params.threads),
)
write_results(attention_shift.measure(study, **arguments), snakemake.output)
