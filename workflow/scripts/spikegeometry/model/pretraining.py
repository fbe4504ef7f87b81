"""The start of the classifier: a masked k-mer model trained here."""

import math

import transformers
from transformers import BertConfig, set_seed
from transformers.modeling_outputs import MaskedLMOutput

from spikegeometry.dataset.vocabulary import PAD
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
