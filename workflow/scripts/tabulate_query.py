"""Write the answers for new genomes as a table and as a page."""

import json
import logging
from pathlib import Path

import pandas as pd

from spikegeometry.evaluation.queries import DEFINITIONS, NEAREST, answer_table, described_genes
from spikegeometry.genomes.fasta import read_single
from spikegeometry.logs import configure_logging
from spikegeometry.report.query import query_page
from spikegeometry.sequences.translation import translate
from spikegeometry.tables import atomic_path, read_tsv, write_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
gene = read_single(given.reference).sequence.upper()[params.start - 1 : params.end]
about = json.loads(Path(given.about).read_text(encoding="utf-8"))
reversions = read_tsv(given.reversions)
answers = answer_table(
    predictions=pd.read_parquet(given.predictions),
    genes=described_genes(pd.read_parquet(given.spikes), gene),
    rejected=[pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in given.rejected],
    classes=params.classes,
    definitions=pd.DataFrame(about["definitions"], columns=DEFINITIONS),
    nearest=pd.read_parquet(given.nearest) if given.nearest else pd.DataFrame(columns=["accession", *NEAREST]),
    reversions=reversions,
)
write_tsv(answers, snakemake.output.table)
with atomic_path(snakemake.output.page) as partial:
    residues = len(translate(gene).rstrip("*"))
    page = query_page(answers, reversions, snakemake.wildcards.query, params.run, about, residues)
    partial.write_text(page, encoding="utf-8")
with atomic_path(snakemake.output.query) as partial:
    partial.write_text(params.query, encoding="utf-8")
logging.info("%d genomes: %s", len(answers), snakemake.output.table)
