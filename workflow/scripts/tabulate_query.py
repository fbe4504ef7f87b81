"""Write the answers for new genomes as a table and as a page."""

import logging

import pandas as pd

from spikegeometry.evaluation.queries import answer_table, described_genes
from spikegeometry.genomes.fasta import read_single
from spikegeometry.logs import configure_logging
from spikegeometry.report.front import warning
from spikegeometry.report.query import query_page
from spikegeometry.tables import atomic_path, read_tsv, write_tsv

configure_logging(snakemake.log[0])
params = snakemake.params
gene = read_single(snakemake.input.reference).sequence.upper()[params.start - 1 : params.end]
answers = answer_table(
    predictions=pd.read_parquet(snakemake.input.predictions),
    genes=described_genes(pd.read_parquet(snakemake.input.spikes), gene),
    rejected=[pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in snakemake.input.rejected],
    classes=params.classes,
)
write_tsv(answers, snakemake.output.table)
with atomic_path(snakemake.output.page) as partial:
    said = warning(read_tsv(snakemake.input.tries))
    page = query_page(answers, snakemake.wildcards.query, params.run, params.classes, said)
    partial.write_text(page, encoding="utf-8")
with atomic_path(snakemake.output.query) as partial:
    partial.write_text(params.query, encoding="utf-8")
logging.info("%d genomes: %s", len(answers), snakemake.output.table)
