"""A published model, checked tensor by tensor, and copied to where answers are given."""

import logging
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import BertForSequenceClassification

from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.errors import writing
from spikegeometry.model.base import COMPUTED, misfit
from spikegeometry.model.class_space import load_class_space
from spikegeometry.published import KNOWN, MODEL, check_digests, read_published, refusal

logger = logging.getLogger(__name__)


def import_model(folder: str | Path, target: str | Path, beside: list[str]) -> None:
    """Copy the network of a published folder to the folder `target`, and files beside it, by their paths.

    Nothing of the folder is executed: weights come from safetensors, all else is text and tables.

    Raises InputError where a file is not as it was published, and where weights or vocabulary do not fit.
    """
    folder = Path(folder)
    digests = read_published(folder)["files"]
    # Whoever passes the folder on may leave the training sequences out.
    check_digests(folder, {name: value for name, value in digests.items() if name != KNOWN or (folder / name).exists()})
    tokens = read_vocabulary(folder / "vocab.txt")
    try:
        model, found = BertForSequenceClassification.from_pretrained(
            folder,
            use_safetensors=True,
            dtype=torch.float32,
            local_files_only=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
        width = load_class_space(folder / "class_space.safetensors", torch.device("cpu")).bank.shape[1]
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise refusal(folder, f"cannot be read: {said}") from error
    if wrong := misfit(model, found, COMPUTED):
        raise refusal(folder, wrong)
    if width != model.config.hidden_size:
        raise refusal(folder, f"has a network of width {model.config.hidden_size} and a class space of {width}")
    with writing(target):
        Path(target).mkdir(parents=True, exist_ok=True)
        for name in MODEL:
            shutil.copyfile(folder / name, Path(target, name))
        for path in beside:
            shutil.copyfile(folder / Path(path).name, path)
    logger.info("%s: %d tensors and %d tokens, as they were published", folder, len(model.state_dict()), len(tokens))
