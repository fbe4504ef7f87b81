"""Fine-tune the classifier."""

import shutil
from functools import partial
from pathlib import Path

import pyarrow as pa

from spikegeometry.dataset.encoding import open_split
from spikegeometry.evaluation.baselines import KmerLogistic, read_sequences
from spikegeometry.evaluation.learning import compare_with_baseline
from spikegeometry.logs import configure_logging
from spikegeometry.model.finetuning import finetune
from spikegeometry.model.folders import copy_tokenizer, save_model
from spikegeometry.model.runtime import prepare
from spikegeometry.model.training import copy_snapshots, fingerprint, leave_to_the_first
from spikegeometry.tables import write_tsv

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params
device = prepare(params.device, params.threads, params.gpus)
settings, seed = dict(params.finetune), params.seed + params.added
options = {"precision": params.precision, "compiled": params.compile, "snapshots": params.snapshots}

validation = open_split(given.validation)
baseline = KmerLogistic.load(given.baseline)
correct = baseline.predict(read_sequences(given.validation, kmers_of=baseline)).argmax(axis=1)
compare = partial(
    compare_with_baseline,
    baseline=correct == validation.column("label").to_numpy(),
    haplotypes=validation.column("haplotype").to_numpy(),
)
files = [given.train, given.validation, *given.background, given.baseline, Path(given.pretrained, "model.safetensors")]
run = {"settings": settings, "classes": list(params.classes), "seed": seed, "gpus": params.gpus} | options
checkpoints = Path(params.checkpoints, fingerprint(files, run))
background = [open_split(path) for path in given.background] or [validation.slice(0, 0)] * 2
model, history, tries = finetune(
    given.pretrained,
    params.classes,
    pa.concat_tables([open_split(given.train), background[0]]),
    pa.concat_tables([validation, background[1]]),
    settings,
    compare,
    name=params.phase,
    seed=seed,
    device=device,
    checkpoints=checkpoints,
    **options,
)
leave_to_the_first()
save_model(model, snakemake.output.model)
copy_tokenizer(given.pretrained, snakemake.output.model)
write_tsv(history, snakemake.output.history)
write_tsv(tries, snakemake.output.tries)
chosen = tries.loc[tries["chosen"] == "yes", "try"].item()
copy_snapshots(checkpoints / f"try{chosen}", snakemake.output.snapshots)
shutil.rmtree(params.checkpoints)
