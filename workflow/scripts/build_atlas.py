"""Put what the analyses found into one page to explore."""

import json
import logging
import os
from pathlib import Path

import numpy as np
import pandas as pd

from spikegeometry.dataset.domains import read_domains
from spikegeometry.genomes.definitions import defined_in_gene
from spikegeometry.genomes.fasta import read_single
from spikegeometry.logs import configure_logging
from spikegeometry.report.atlas import atlas_page
from spikegeometry.report.contents import EXAMPLES, atlas_contents, read_networks, read_shown
from spikegeometry.report.provenance import jobs_that_ran, versions
from spikegeometry.tables import atomic_path, read_tsv

# Where the analysis is active, or single sequences are asked for.
DETAILS = ["pairs", "tokens", "contrasts", "spaces", "spectra", "attributions", "trajectory", "substitutions"]
DETAILS += [f"example_{name}" for name in EXAMPLES]

configure_logging(snakemake.log[0])
config, paths, page = snakemake.params.config, snakemake.input, Path(snakemake.output.page)
programs = [Path(path).read_text(encoding="utf-8") for path in paths.programs]
details = {name: pd.read_parquet(paths[name]) for name in DETAILS if paths[name]}
details |= {
    name: read_tsv(paths[name]) for name in ("sequences", "confusion", "metrics", "splits", "tries", "findings")
}
details |= {name: read_tsv(paths[name]) for name in ("curves", "substituted") if paths[name]}
start, end, coordinates = config["reference"]["start"], config["reference"]["end"], config["dataset"]["coordinates"]
definitions, reference = config["analyses"]["attributions"], read_single(paths.reference)
downloads = [paths.metrics, paths.confusion, paths.splits, paths.sequences, paths.predictions, *paths.tables]
downloads += [paths[name] for name in DETAILS if paths[name]]
data = atlas_contents(
    config=config,
    model=json.loads((Path(paths.model) / "config.json").read_text(encoding="utf-8")),
    tables=read_shown(paths.tables),
    networks=read_networks(paths.networks),
    details=details | {"domains": read_domains(paths.domains), "predictions": pd.read_parquet(paths.predictions)},
    attention=np.load(paths.attention, allow_pickle=False),
    cls=np.load(paths.cls, mmap_mode="r"),
    mutations=defined_in_gene(
        paths.definitions, config["classes"], definitions["share"], start, end, coordinates == "native"
    )
    if paths.definitions
    else {},
    gene=reference.sequence[start - 1 : end],
    card={
        "reference": reference.name,
        "ran": versions(jobs_that_ran(Path(snakemake.log[0]).parent)),
        # Written after the page, by the last rule.
        "tables": [*(os.path.relpath(path, page.parent) for path in downloads), "provenance.json"],
    },
)
with atomic_path(page) as partial:
    style, body = (Path(path).read_text(encoding="utf-8") for path in (paths.style, paths.body))
    partial.write_text(atlas_page(data, style, body, programs), encoding="utf-8")
logging.info("%s: %.1f MB", page, page.stat().st_size / 1e6)
