"""A published encoder as the start of the classifier: read, checked to be whole, and given our k-mers."""

import logging
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoTokenizer, BertConfig, BertModel, set_seed

from spikegeometry.dataset.vocabulary import PAD, SPECIAL_TOKENS
from spikegeometry.errors import InputError

logger = logging.getLogger(__name__)

# What a configuration must say: the library would put values of its own in the place of these.
SHAPE = ("num_hidden_layers", "num_attention_heads", "hidden_size", "intermediate_size", "vocab_size")
TOKENIZERS = ("tokenizer.json", "vocab.txt")
# Parts that a start may lack, or have besides: a new head and, where there is none, a new pooler are put on it.
HEADS = ("pooler.", "cls.", "classifier.", "qa_outputs.")
# Named in old files, and computed in new ones.
COMPUTED = ("embeddings.position_ids",)
SHOWN = 4


def extended_base(base: str, tokens: list[str], longest: int, seed: int) -> BertModel:
    """The encoder of a published BERT with an embedding for each of our tokens.

    `base` is a local folder or a hub name. The encoder, its positions and pooler are kept. The embedding table is made
    anew in the order of our vocabulary: a token that the base knows (the special ones, and k-mers where the base was
    made by this workflow) keeps its vector, every other starts at random from N(0, initializer_range). The base's own
    words are left out: no sequence of ours holds one.

    Raises InputError where the base is not there or is cut, is no BERT, has no safetensors weights or other ones than
    its configuration says, has no tokenizer or one of more tokens than embeddings, or reads fewer than `longest`
    tokens.
    """
    set_seed(seed)
    local = Path(base).is_dir()
    try:
        config = _read_config(base, local)
        model = _read_encoder(base, local)
        known = _read_vocabulary(base, local, config.vocab_size)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise _refusal(base, f"cannot be read: {said}") from error
    if longest > config.max_position_embeddings:
        raise InputError(
            f"Config key model.base: {base} reads {config.max_position_embeddings} tokens, the longest sequence of the "
            f"training split has {longest}.\nRaise dataset.stride or take another base."
        )
    old = model.get_input_embeddings().weight
    new = torch.nn.Embedding(len(tokens), config.hidden_size, padding_idx=PAD)
    with torch.no_grad():
        new.weight.normal_(0.0, config.initializer_range)
        for number, token in enumerate(tokens):
            if token in known:
                new.weight[number] = old[known[token]]
    model.set_input_embeddings(new)
    model.config.vocab_size = len(tokens)
    model.config.pad_token_id = PAD
    shared = sum(token in known for token in tokens)
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
    if given.get("model_type") != "bert":
        raise _refusal(base, f"is of type {given.get('model_type')}, not bert")
    if given.get("is_decoder"):
        raise _refusal(base, "is a decoder")
    positions = given.get("position_embedding_type", "absolute")
    if positions != "absolute":
        raise _refusal(base, f"has {positions} positions, of which the analyses know nothing")
    absent = [key for key in SHAPE if key not in given]
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
    for kind, words in (("missing_keys", "lacks"), ("unexpected_keys", "has besides"), ("mismatched_keys", "misfits")):
        names = sorted(name if isinstance(name, str) else name[0] for name in found[kind])
        names = [name for name in names if not name.removeprefix("bert.").startswith((*HEADS, *COMPUTED))]
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            raise _refusal(
                base, f"does not fit its config.json: its weights file {words} {', '.join(names[:SHOWN])}{more}"
            )
    broken = [name for name, tensor in model.named_parameters() if not tensor.isfinite().all()]
    if broken:
        raise _refusal(base, f"has weights that are no numbers in {broken[0]}")
    return model


def _read_vocabulary(base: str, local: bool, rows: int) -> dict[str, int]:
    """Tokens and their rows of the embeddings, the special ones among them."""
    if local and not any(Path(base, name).is_file() for name in TOKENIZERS):
        raise _refusal(base, f"has no tokenizer ({' or '.join(TOKENIZERS)})")
    known = AutoTokenizer.from_pretrained(base, local_files_only=local).get_vocab()
    lacking = [token for token in SPECIAL_TOKENS if known.get(token, rows) >= rows]
    if any(row >= rows for token, row in known.items() if token not in SPECIAL_TOKENS):
        raise _refusal(base, f"has a tokenizer of {len(known)} tokens and embeddings of {rows}")
    if lacking:
        raise _refusal(base, f"has a tokenizer without {', '.join(lacking)}")
    return {token: row for token, row in known.items() if row < rows}
