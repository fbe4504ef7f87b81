"""Copy the choice of recorded sequences to a replicate, which is recorded on the same ones."""

import shutil

from spikegeometry.logs import configure_logging
from spikegeometry.tables import atomic_path

configure_logging(snakemake.log[0])
with atomic_path(snakemake.output.sequences) as partial:
    shutil.copyfile(snakemake.input.sequences, partial)
