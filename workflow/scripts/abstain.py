"""Add to the predictions of a split the score of each genome, and whether the classifier abstains from it."""

import pandas as pd

from spikegeometry.evaluation.abstention import logits_of, read_abstention
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_parquet

configure_logging(snakemake.log[0])
rule = read_abstention(snakemake.input.rule)
predictions = pd.read_parquet(snakemake.input.predictions)
logits = logits_of(predictions, rule.classes)
predictions = predictions.assign(score=rule.scores(logits), abstain=rule.abstains(logits))
write_parquet(predictions, snakemake.output.predictions)
