"""The BERT classifier: made from its start, read from its folder."""

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, set_seed

from spikegeometry.errors import InputError


def new_classifier(pretrained: str | Path, classes: list[str], seed: int) -> BertForSequenceClassification:
    """The encoder of the folder `pretrained` with a new classification head (and pooler, where it has none)."""
    set_seed(seed)
    return BertForSequenceClassification.from_pretrained(
        pretrained, dtype=torch.float32, attn_implementation="sdpa", **_head(classes)
    )


def untrained_classifier(pretrained: str | Path, classes: list[str], seed: int) -> BertForSequenceClassification:
    """The same network with nothing learnt: every weight at random, none of `pretrained` but its shape."""
    set_seed(seed)
    config = BertConfig.from_pretrained(pretrained, dtype=torch.float32, **_head(classes))
    return BertForSequenceClassification(config)


def load_classifier(
    folder: str | Path, classes: Sequence[str], device: torch.device, attention: str = "sdpa"
) -> BertForSequenceClassification:
    """A classifier in evaluation mode; `attention` is sdpa, or eager where attention weights are asked for.

    Raises InputError where its classes are not `classes`, in their order.
    """
    model = BertForSequenceClassification.from_pretrained(
        folder, use_safetensors=True, dtype=torch.float32, attn_implementation=attention, local_files_only=True
    )
    own = [model.config.id2label[number] for number in range(model.config.num_labels)]
    if own != list(classes):
        raise InputError(
            f"The model {folder} tells {', '.join(own)} apart, the config key classes says {', '.join(classes)}.\n"
            "Train it anew with these classes, or give the model's classes in its order."
        )
    return model.to(device).eval()


def _head(classes: list[str]) -> dict:
    return {
        "num_labels": len(classes),
        "id2label": dict(enumerate(classes)),
        "label2id": {name: number for number, name in enumerate(classes)},
        "problem_type": "single_label_classification",
    }
