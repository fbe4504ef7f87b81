"""Put a finished run into a Workflow Run RO-Crate."""

import json
from pathlib import Path

from spikegeometry.digest import ROOT
from spikegeometry.logs import configure_logging
from spikegeometry.report.crate import write_crate

configure_logging(snakemake.log[0])
given = snakemake.input
write_crate(
    made=json.loads(Path(given.record).read_text(encoding="utf-8")),
    files=dict(zip(snakemake.params.names, given.files, strict=True)),
    root=ROOT.parents[2],
    logs=Path(snakemake.log[0]).parent,
    folder=snakemake.output.folder,
)
