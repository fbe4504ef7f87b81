"""Write the card of the model: what it was made of, how well it does, and how to use it."""

import json
from pathlib import Path

from spikegeometry.genomes.fasta import read_single
from spikegeometry.logs import configure_logging
from spikegeometry.report.model_card import model_card
from spikegeometry.tables import atomic_path, read_tsv

configure_logging(snakemake.log[0])
given = snakemake.input
card = model_card(
    about=json.loads(Path(given.about).read_text(encoding="utf-8")),
    model=json.loads(Path(given.model, "config.json").read_text(encoding="utf-8")),
    metrics=read_tsv(given.metrics),
    splits=read_tsv(given.splits),
    thresholds=read_tsv(given.thresholds),
    config=snakemake.params.described,
    reference=read_single(given.reference).name,
)
with atomic_path(snakemake.output.card) as partial:
    partial.write_text(card, encoding="utf-8")
