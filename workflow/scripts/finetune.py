"""Fine-tune the classifier."""

import shutil
from pathlib import Path

from spikegeometry.dataset.encoding import open_split
from spikegeometry.logs import configure_logging
from spikegeometry.model.classifier import new_classifier
from spikegeometry.model.data import EncodedRows, check_lengths
from spikegeometry.model.finetuning import labelled_examples
from spikegeometry.model.folders import copy_tokenizer, save_model
from spikegeometry.model.runtime import prepare
from spikegeometry.model.training import fingerprint, train
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
device = prepare(params.device, params.threads, params.gpus)
settings, seed = dict(params.settings), params.seed
start = new_classifier(given.pretrained, params.classes, seed)

examples = []
for path, unknown_probability in ((given.train, settings["unknown_probability"]), (given.validation, 0.0)):
    table = open_split(path)
    rows = EncodedRows(table)
    check_lengths(table, rows.lengths, start.config.max_position_embeddings)
    examples.append(labelled_examples(rows, table.column("label").to_numpy(), unknown_probability, seed))

files = [given.train, given.validation, Path(given.pretrained, "model.safetensors")]
run = {"settings": settings, "classes": list(params.classes), "seed": seed}
run |= {key: params[key] for key in ("precision", "compiled", "gpus")}
model, history = train(
    start,
    *examples,
    settings,
    phase=params.phase,
    seed=seed,
    device=device,
    precision=params.precision,
    compiled=params.compiled,
    checkpoints=Path(params.checkpoints, fingerprint(files, run)),
)
save_model(model, snakemake.output.model)
copy_tokenizer(given.pretrained, snakemake.output.model)
write_tsv(history, snakemake.output.history)
shutil.rmtree(params.checkpoints)
