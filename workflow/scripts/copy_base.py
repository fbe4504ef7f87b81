"""Fetch or copy a published encoder, and check that it is whole."""

from pathlib import Path

from spikegeometry.logs import configure_logging
from spikegeometry.model.base import copy_base

configure_logging(snakemake.log[0])
copy_base(snakemake.params.base, Path(snakemake.output.model))
