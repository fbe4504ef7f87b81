"""Model folders as Hugging Face reads them: configuration, weights and a tokenizer, so that each stands alone."""

import shutil
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from spikegeometry.dataset.vocabulary import CLS, SEP
from spikegeometry.errors import writing


def save_model(model: PreTrainedModel, folder: str | Path) -> None:
    """Write config.json and model.safetensors, readable by whoever may read the folder."""
    with writing(folder):
        model.save_pretrained(folder)
    # safetensors makes its file readable by its owner alone.
    shutil.copymode(Path(folder, "config.json"), Path(folder, "model.safetensors"))


def save_tokenizer(tokens: list[str], max_length: int, folder: str | Path) -> None:
    """Write a tokenizer that `AutoTokenizer.from_pretrained(folder)` reads without network.

    It takes a sequence as k-mers separated by spaces. Each is one token as it stands: nothing is lower-cased and no
    gap sign splits a k-mer, as BERT's own tokenizer would; a k-mer out of the vocabulary is [UNK].
    """
    ids = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=max_length,
    ).save_pretrained(folder)
    Path(folder, "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")


def copy_tokenizer(source: str | Path, target: str | Path) -> None:
    """Copy the tokenizer of one model folder to another."""
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copyfile(Path(source, name), Path(target, name))
