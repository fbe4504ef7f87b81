"""Make the start of the classifier: train a masked k-mer model, or give a published encoder our k-mers."""

import shutil
from pathlib import Path

from spikegeometry.dataset.encoding import open_split
from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.logs import configure_logging
from spikegeometry.model.base import extended_base
from spikegeometry.model.data import EncodedRows
from spikegeometry.model.folders import save_model, save_tokenizer
from spikegeometry.model.pretraining import masked_examples, new_model
from spikegeometry.model.runtime import prepare
from spikegeometry.model.training import copy_snapshots, fingerprint, history, leave_to_the_first, train
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
device = prepare(params.device, params.threads, params.gpus)
tokens = read_vocabulary(given.vocabulary)
splits = [EncodedRows(open_split(path)) for path in (given.train, given.validation)]
longest = max(rows.lengths.max() for rows in splits)

checkpoints = Path(params.checkpoints)
if not given.base:
    settings = dict(params.pretrain)
    run = {"settings": settings, "architecture": dict(params.architecture), "seed": params.seed}
    run |= {key: params[key] for key in ("precision", "compile", "gpus", "snapshots")}
    files = [given.train, given.validation, given.vocabulary]
    training, validation = (masked_examples(rows, settings, len(tokens), params.seed) for rows in splits)
    checkpoints /= fingerprint(files, run)
    model, log = train(
        new_model(params.architecture, len(tokens), longest, params.seed),
        training,
        validation,
        settings,
        phase="pretrain",
        seed=params.seed,
        device=device,
        precision=params.precision,
        compiled=params.compile,
        snapshots=params.snapshots,
        checkpoints=checkpoints,
    )
else:
    model, log = extended_base(given.base, tokens, longest, params.seed), history([], "pretrain")

leave_to_the_first()
save_model(model, snakemake.output.model)
save_tokenizer(tokens, model.config.max_position_embeddings, snakemake.output.model)
write_tsv(log, snakemake.output.history)
copy_snapshots(checkpoints, snakemake.output.snapshots)
shutil.rmtree(params.checkpoints, ignore_errors=True)
