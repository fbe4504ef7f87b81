"""Add to the predictions of a split whether the classifier abstains, and what the source says of each genome."""

import pandas as pd

from spikegeometry.evaluation.abstention import logits_of, read_abstention
from spikegeometry.logs import configure_logging
from spikegeometry.tables import write_parquet

KNOWN = ["accession", "date", "country", "lineage"]

configure_logging(snakemake.log[0])
rule = read_abstention(snakemake.input.rule)
predictions = pd.read_parquet(snakemake.input.predictions)
logits = logits_of(predictions, rule.classes)
predictions = predictions.assign(score=rule.scores(logits), abstain=rule.abstains(logits))
known = pd.read_csv(snakemake.input.genomes, sep="\t", dtype=str, keep_default_na=False, usecols=KNOWN)
write_parquet(predictions.merge(known, "left", on="accession", validate="one_to_one"), snakemake.output.predictions)
