"""Put the model, and what answers need beside it, into one folder to be passed on."""

from pathlib import Path

from spikegeometry.logs import configure_logging
from spikegeometry.published import MODEL, write_published

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
files = {name: Path(given.model, name) for name in MODEL} | dict(zip(params.names, given.beside, strict=True))
write_published(files, params.settings, snakemake.output.folder)
