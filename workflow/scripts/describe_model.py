"""Write what goes with the model to where it is used: what it learnt and how well, and what defines its classes."""

import json

from spikegeometry.genomes.definitions import defined_in_gene
from spikegeometry.genomes.fasta import read_single
from spikegeometry.genomes.founders import parse_mutation
from spikegeometry.logs import configure_logging
from spikegeometry.report.front import about_model
from spikegeometry.sequences.mutations import all_in_protein
from spikegeometry.tables import atomic_path, read_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
tables = {name: read_tsv(given[name]) for name in ("counts", "splits", "metrics", "abstention", "tries")}
about = about_model(**tables, source=params.type, classes=params.classes)
gene = read_single(given.reference).sequence.upper()[params.start - 1 : params.end]
defined = (
    defined_in_gene(given.definitions, params.classes, params.share, params.start, params.end, insertions=False)
    if given.definitions
    else {}
)
about["definitions"] = []
for name, table in defined.items():
    columns = {key: table[key].tolist() for key in ("mutation", "first", "last")}
    symbols = [parse_mutation(text).replacement or "-" for text in columns["mutation"]]
    proteins = [protein for protein, *_ in all_in_protein(*columns.values(), gene)]
    about["definitions"] += [
        {"class": name, "mutation": protein, "first": first, "last": last, "symbol": symbol}
        for protein, first, last, symbol in zip(proteins, columns["first"], columns["last"], symbols, strict=True)
    ]
with atomic_path(snakemake.output.about) as partial:
    partial.write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")
