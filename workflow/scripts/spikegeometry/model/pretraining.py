"""The start of the classifier: a masked k-mer model trained here, or a published encoder with our k-mers."""

import math
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoTokenizer, BertConfig, BertModel, set_seed
from transformers.modeling_outputs import MaskedLMOutput

from spikegeometry.dataset.vocabulary import PAD, SPECIAL_TOKENS
from spikegeometry.errors import InputError
from spikegeometry.model.corruption import mask_spans
from spikegeometry.model.data import EncodedRows, Examples

SPARE_POSITIONS = 16  # for sequences with insertions that the training split has not seen
POSITIONS_MULTIPLE = 64


class BertForMaskedLM(transformers.BertForMaskedLM):
    """The masked model, whose head reads only the tokens that are to be predicted, where it is told which.

    Scores of the whole vocabulary at every token would be most of the memory of a training: vocabularies grow with the
    number of genomes. `targets` is a bool (sequences, tokens), and `logits` are then those of its true cells in their
    order, (targets, vocabulary). The class has the name of the one that its folders are to be read with.
    """

    def forward(self, input_ids=None, attention_mask=None, targets=None, **others):
        if targets is None:
            return super().forward(input_ids, attention_mask, **others)
        states = self.bert(input_ids, attention_mask).last_hidden_state
        return MaskedLMOutput(logits=self.cls(states[targets]))


def new_model(architecture: dict, vocabulary_size: int, longest: int, seed: int) -> BertForMaskedLM:
    """An untrained BERT of the config block model.architecture that reads at least `longest` tokens."""
    set_seed(seed)
    return BertForMaskedLM(
        BertConfig(
            vocab_size=vocabulary_size,
            num_hidden_layers=architecture["layers"],
            num_attention_heads=architecture["heads"],
            hidden_size=architecture["hidden_size"],
            intermediate_size=architecture["intermediate_size"],
            initializer_range=architecture["initializer_range"],
            hidden_dropout_prob=architecture["dropout"],
            attention_probs_dropout_prob=architecture["dropout"],
            max_position_embeddings=math.ceil((longest + SPARE_POSITIONS) / POSITIONS_MULTIPLE) * POSITIONS_MULTIPLE,
            pad_token_id=PAD,
        )
    )


def masked_examples(rows: EncodedRows, settings: dict, vocabulary_size: int, seed: int) -> Examples:
    """Examples of masked k-mer modelling; `settings` holds `mask_probability` and `mask_span`."""

    def make(row, generator):
        inputs, labels = mask_spans(
            rows[row], generator, settings["mask_probability"], settings["mask_span"], vocabulary_size
        )
        return {"input_ids": inputs, "labels": labels}

    return Examples(len(rows), make, seed)


def extended_base(base: str, tokens: list[str], longest: int, seed: int) -> BertModel:
    """The encoder of a published BERT with an embedding for each of our tokens.

    `base` is a local folder or a hub name. The encoder, its positions and pooler are kept. The embedding table is made
    anew in the order of our vocabulary: a token that the base knows (the special ones, and k-mers where the base was
    made by this workflow) keeps its vector, every other starts at random from N(0, initializer_range). The base's own
    words are left out: no sequence of ours holds one.

    Raises InputError where the base is not there, is no BERT, has no safetensors weights or reads fewer than `longest`
    tokens.
    """
    local = Path(base).is_dir()
    set_seed(seed)
    try:
        config = AutoConfig.from_pretrained(base, local_files_only=local)
        if config.model_type != "bert":
            raise InputError(f"Config key model.base: {base} is of type {config.model_type}.\nGive a BERT model.")
        known = AutoTokenizer.from_pretrained(base, local_files_only=local).get_vocab()
        model = BertModel.from_pretrained(base, use_safetensors=True, dtype=torch.float32, local_files_only=local)
    except OSError as error:
        raise InputError(
            f"Config key model.base: cannot read {base}: {str(error).splitlines()[0]}\n"
            "Give `pretrain`, a folder with config.json, a tokenizer and model.safetensors, or a hub name."
        ) from error
    missing = set(SPECIAL_TOKENS) - known.keys()
    if missing:
        raise InputError(f"Config key model.base: the tokenizer of {base} lacks {', '.join(sorted(missing))}.")
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
    return model
