"""Write what goes with the model to where it is used: what it learnt and how well, and what defines its classes."""

import json

from spikegeometry.genomes.definitions import defined_in_gene
from spikegeometry.genomes.fasta import read_single
from spikegeometry.logs import configure_logging
from spikegeometry.report.front import about_model
from spikegeometry.sequences.mutations import all_in_protein
from spikegeometry.tables import atomic_path, read_tsv

BASES = "ACGT"

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
place = params.start, params.end
tables = {name: read_tsv(given[name]) for name in ("counts", "splits", "metrics", "abstention", "tries")}
about = about_model(**tables, source=params.type, classes=params.classes)
gene = read_single(given.reference).sequence.upper()[params.start - 1 : params.end]
defined = (
    defined_in_gene(given.definitions, params.classes, params.share, *place, insertions=False)
    if given.definitions
    else {}
)
about["definitions"] = []
for name, table in defined.items():
    rows = list(zip(*(table[key].tolist() for key in ("mutation", "first", "last")), strict=True))
    about["definitions"] += [
        {
            "class": name,
            "mutation": protein,
            "first": first,
            "last": last,
            "symbol": text[-1] if text[0] in BASES else "-",
        }
        for (text, first, last), (protein, *_) in zip(rows, all_in_protein(rows, gene), strict=True)
    ]
with atomic_path(snakemake.output.about) as partial:
    partial.write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")
