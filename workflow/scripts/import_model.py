"""Check a published model, and copy it to where answers are given."""

from spikegeometry.logs import configure_logging
from spikegeometry.model.imported import import_model

configure_logging(snakemake.log[0])
import_model(snakemake.params.model_folder, snakemake.output.model, snakemake.output.beside)
