"""Hidden states of any model on sequences at hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import AutoTokenizer, BertModel

from spikegeometry.errors import InputError
from spikegeometry.model.activations import Recorded


def load_encoder(folder: str | Path, device: torch.device) -> BertModel:
    """The encoder of a model folder, without its head, in evaluation mode."""
    encoder = BertModel.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa", local_files_only=True, add_pooling_layer=False
    )
    return encoder.to(device).eval()


def record_texts(folder: str | Path, texts: Sequence[str], labels: Sequence[str]) -> Recorded:
    """Hidden states of texts in a BERT of any origin, read by its own tokenizer and kept in memory.

    A model of this workflow reads k-mers with blanks between them. Texts are called by their numbers, from 1, and
    `labels` are their classes; a text of more tokens than the model reads is cut.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    encoder = load_encoder(folder, torch.device("cpu"))
    longest = encoder.config.max_position_embeddings
    ids = [np.array(tokenizer(text, truncation=True, max_length=longest)["input_ids"], np.int32) for text in texts]
    names = [str(number) for number in range(1, len(ids) + 1)]
    return record_tokens(encoder, ids, pd.DataFrame({"accession": names, "class": list(labels), "correct": True}))


def record_tokens(encoder: BertModel, ids: Sequence[np.ndarray], sequences: pd.DataFrame) -> Recorded:
    """Hidden states of sequences, kept in memory.

    `ids` are arrays of token ids from [CLS] to [SEP], `sequences` has a row for each: accession, class and correct.
    """
    states, n = [hidden_states(encoder, one) for one in ids], max(map(len, ids))
    hidden = [np.pad(of.numpy(), ((0, 0), (0, n - of.shape[1]), (0, 0))) for of in states]
    padding = encoder.config.pad_token_id or 0
    tokens = [np.pad(one, (0, n - len(one)), constant_values=padding) for one in ids]
    sequences = sequences.reset_index(drop=True).assign(length=[len(one) for one in ids], recorded=range(len(ids)))
    return Recorded(sequences, np.stack(hidden), np.stack(tokens))


@torch.inference_mode()
def hidden_states(encoder: BertModel, tokens: np.ndarray) -> torch.Tensor:
    """Outputs (L+1, n, d) of the embeddings and of every layer for the n token ids of one sequence, on the CPU.

    Raises InputError where a value is not finite.
    """
    ids = torch.from_numpy(tokens.astype(np.int64))[None].to(encoder.device)
    states = torch.cat(encoder(ids, output_hidden_states=True).hidden_states).cpu()
    if not states.isfinite().all():
        raise InputError(
            f"The model {encoder.name_or_path} gives hidden states that are not finite.\n"
            "Train it again, with a lower learning rate or in fp32 (model.precision)."
        )
    return states
