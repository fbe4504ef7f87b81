"""Hidden states of any model of the run on sequences at hand."""

from pathlib import Path

import numpy as np
import torch
from transformers import BertModel

from spikegeometry.errors import InputError


def load_encoder(folder: str | Path, device: torch.device) -> BertModel:
    """The encoder of a model folder, without its head, in evaluation mode."""
    encoder = BertModel.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa", local_files_only=True, add_pooling_layer=False
    )
    return encoder.to(device).eval()


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
