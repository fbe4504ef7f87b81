"""A published encoder as the start of the classifier: read, checked to be whole, and given our k-mers."""

import logging
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerBase, set_seed

from spikegeometry.dataset.vocabulary import PAD, SPECIAL_TOKENS
from spikegeometry.errors import InputError, writing
from spikegeometry.model.folders import save_model

logger = logging.getLogger(__name__)

# What a configuration must say: the library would put values of its own in the place of these.
SHAPE = ("num_hidden_layers", "num_attention_heads", "hidden_size", "intermediate_size", "vocab_size")
TOKENIZERS = ("tokenizer.json", "vocab.txt")
# Parts that a start may lack, or have besides: a new head and, where there is none, a new pooler are put on it.
HEADS = ("pooler.", "cls.", "classifier.", "qa_outputs.")
# Named in old files, and computed in new ones.
COMPUTED = ("embeddings.position_ids",)
LFS_POINTER = b"version https://git-lfs"
SHOWN = 4


def copy_base(base: str, folder: Path) -> None:
    """Write a published BERT, checked to be whole, as a model folder.

    `base` is a local folder or a hub name.

    Raises InputError where the base is not there or is cut, is no BERT, has no safetensors weights or other ones than
    its configuration says, or has no tokenizer or one of more tokens than embeddings.
    """
    model, tokenizer = read_base(base)
    save_model(model, folder)
    with writing(folder):
        tokenizer.save_pretrained(folder)
    logger.info("%s: %d tensors, all of the encoder's, and %d tokens", base, len(model.state_dict()), len(tokenizer))


def read_base(base: str) -> tuple[BertModel, PreTrainedTokenizerBase]:
    """The encoder and the tokenizer of a published BERT; raises InputError as `copy_base` does."""
    local = Path(base).is_dir()
    try:
        config = _read_config(base, local)
        if local:
            _refuse_pointers(base)
        return _read_encoder(base, local), _read_tokenizer(base, local, config.vocab_size)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise _refusal(base, f"cannot be read: {said}") from error


def extended_base(base: str, tokens: list[str], longest: int, seed: int) -> BertModel:
    """The encoder of a published BERT with an embedding for each of our tokens.

    The encoder, its positions and pooler are kept. The embedding table is made anew in the order of our vocabulary: a
    token that the base knows (the special ones, and k-mers where the base was made by this workflow) keeps its vector,
    every other starts at random from N(0, initializer_range). The base's own words are left out: no sequence of ours
    holds one.

    Raises InputError as `copy_base` does, and where the base reads fewer than `longest` tokens.
    """
    set_seed(seed)
    model, tokenizer = read_base(base)
    config, known = model.config, tokenizer.get_vocab()
    if longest > config.max_position_embeddings:
        raise InputError(
            f"Config key model.base: {base} reads {config.max_position_embeddings} tokens, the longest sequence of the "
            f"training split has {longest}.\nRaise dataset.stride or take another base."
        )
    old = model.get_input_embeddings().weight
    new = torch.nn.Embedding(len(tokens), config.hidden_size, padding_idx=PAD)
    shared = 0
    with torch.no_grad():
        new.weight.normal_(0.0, config.initializer_range)
        for number, token in enumerate(tokens):
            if known.get(token, len(old)) < len(old):
                new.weight[number] = old[known[token]]
                shared += 1
    model.set_input_embeddings(new)
    model.config.vocab_size = len(tokens)
    model.config.pad_token_id = PAD
    logger.info("%s: every tensor of the encoder, and the embeddings of %d of %d tokens", base, shared, len(tokens))
    return model


def _refusal(base: str, wrong: str) -> InputError:
    return InputError(
        f"Config key model.base: {base} {wrong}.\n"
        "Give `pretrain`, a folder with config.json, a tokenizer and model.safetensors of one BERT, or a hub name."
    )


def _read_config(base: str, local: bool) -> BertConfig:
    """The configuration, which must name its own shape."""
    given, _ = BertConfig.get_config_dict(base, local_files_only=local)
    if given.get("model_type", "bert") != "bert":
        raise _refusal(base, f"is of type {given['model_type']}, not bert")
    if given.get("is_decoder"):
        raise _refusal(base, "is a decoder")
    positions = given.get("position_embedding_type", "absolute")
    if positions != "absolute":
        raise _refusal(base, f"has {positions} positions, of which the analyses know nothing")
    absent = [key for key in ("model_type", *SHAPE) if key not in given]
    if absent:
        raise _refusal(base, f"has no {', '.join(absent)} in its config.json")
    return BertConfig.from_dict(given)


def _read_encoder(base: str, local: bool) -> BertModel:
    """The encoder, all of whose weights come from the file."""
    model, found = BertModel.from_pretrained(
        base,
        use_safetensors=True,
        dtype=torch.float32,
        local_files_only=local,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    if wrong := misfit(model, found, (*HEADS, *COMPUTED)):
        raise _refusal(base, wrong)
    return model


def misfit(model: torch.nn.Module, found: dict, ignored: tuple[str, ...]) -> str:
    """What is wrong with the weights that a model was read from, in words; "" where nothing is.

    `found`: the loading information of `from_pretrained`; names that begin with one of `ignored` may be missing.
    """
    for kind, words in (("missing_keys", "lacks"), ("unexpected_keys", "has besides"), ("mismatched_keys", "misfits")):
        names = sorted(name if isinstance(name, str) else name[0] for name in found[kind])
        names = [name for name in names if not name.removeprefix("bert.").startswith(ignored)]
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            return f"does not fit its config.json: its weights file {words} {', '.join(names[:SHOWN])}{more}"
    broken = [name for name, tensor in model.named_parameters() if not tensor.isfinite().all()]
    return f"has weights that are no numbers in {broken[0]}" if broken else ""


def _refuse_pointers(base: str) -> None:
    """Refuse a folder that holds what stands for a large file in Git, and not the file."""
    for path in sorted(Path(base).iterdir()):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(len(LFS_POINTER)) == LFS_POINTER:
                    raise _refusal(base, f"has no {path.name} but a pointer to it: fetch it with `git lfs pull`")


def _read_tokenizer(base: str, local: bool, rows: int) -> PreTrainedTokenizerBase:
    """The tokenizer, which has the special tokens and none without a row of the embeddings."""
    if local and not any(Path(base, name).is_file() for name in TOKENIZERS):
        raise _refusal(base, f"has no tokenizer ({' or '.join(TOKENIZERS)})")
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=local)
    known = tokenizer.get_vocab()
    lacking = [token for token in SPECIAL_TOKENS if known.get(token, rows) >= rows]
    if any(row >= rows for token, row in known.items() if token not in SPECIAL_TOKENS):
        raise _refusal(base, f"has a tokenizer of {len(known)} tokens and embeddings of {rows}")
    if lacking:
        raise _refusal(base, f"has a tokenizer without {', '.join(lacking)}")
    return tokenizer
