"""Hidden k-mers, what a masked model makes of them after every block, and what can be read out of that.

The readout is the same small one after every block: LayerNorm, a linear layer, and the k-mers' own embeddings, which
stay as they are, with a bias for each k-mer. Its predictions are k-mers only, never special tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertForMaskedLM, set_seed

from spikegeometry.dataset.vocabulary import MASK
from spikegeometry.logs import progress
from spikegeometry.model.corruption import FIRST_KMER, mask_spans
from spikegeometry.model.data import NOT_A_TARGET, batches_by_length, pad, to_device
from spikegeometry.streams import Stream

STEPS, BATCH, LEARNING_RATE = 300, 256, 0.01
# Hidden k-mers whose scores of the whole vocabulary are held at once.
READ_AT_ONCE = 512


@dataclass(frozen=True)
class Hidden:
    """What m hidden k-mers leave of themselves: `states` (m, L+1, d) in the output of the embeddings and each block.

    `rows` (m,) number the sequences, `slots` (m,) the tokens in them ([CLS] is 0), `tokens` (m,) are the ids that were
    there; `masked` (m,) is false where a random k-mer stands there, or the true one.
    """

    states: Tensor
    rows: np.ndarray
    slots: np.ndarray
    tokens: np.ndarray
    masked: np.ndarray


def has_masked_head(folder: str | Path) -> bool:
    """Whether a model folder holds the head of a masked model, without which nothing has taught it our k-mers."""
    with safe_open(Path(folder, "model.safetensors"), framework="pt") as file:
        names = set(file.keys())
    return any(name.startswith("cls.predictions.") for name in names)


def load_masked_model(folder: str | Path, device: torch.device) -> BertForMaskedLM:
    """A masked model in evaluation mode."""
    model = BertForMaskedLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa", local_files_only=True
    )
    return model.to(device).eval()


def untrained_masked_model(pretrained: str | Path, seed: int) -> BertForMaskedLM:
    """The masked model with nothing learnt: every weight at random, none of `pretrained` but its shape."""
    set_seed(seed)
    return BertForMaskedLM(BertConfig.from_pretrained(pretrained, dtype=torch.float32))


@torch.inference_mode()
def hide_kmers(
    model: BertForMaskedLM, sequences: Sequence[np.ndarray], span: int, probability: float, seed: list[int], batch: int
) -> Iterator[Hidden]:
    """Hide k-mers of each sequence as the pre-training does (`mask_spans`); yield them batch by batch.

    `sequences` are arrays of ids from [CLS] to [SEP]; what is hidden in each follows from its number and `seed`.
    """
    batches = batches_by_length(np.array([len(ids) for ids in sequences]), batch)
    for members in progress(batches, f"batches read, {span} neighbours masked together", total=len(batches)):
        corrupted = [
            mask_spans(
                sequences[row],
                np.random.default_rng([*seed, Stream.MASKED_KMERS, span, int(row)]),
                probability,
                span,
                model.config.vocab_size,
            )
            for row in members
        ]
        inputs = to_device(pad([ids for ids, _ in corrupted]), model.device)
        states = model.bert(**inputs, output_hidden_states=True).hidden_states
        numbers, slots, tokens, masked = [], [], [], []
        for number, (ids, labels) in enumerate(corrupted):
            places = np.flatnonzero(labels != NOT_A_TARGET)
            numbers.append(np.full(len(places), number))
            slots.append(places)
            tokens.append(labels[places])
            masked.append(ids[places] == MASK)
        of_batch, slot = np.concatenate(numbers), np.concatenate(slots)
        kept = torch.stack([layer[of_batch, slot] for layer in states], dim=1)
        yield Hidden(kept, members[of_batch], slot, np.concatenate(tokens), np.concatenate(masked))


def kmer_embeddings(model: BertForMaskedLM) -> Tensor:
    """Embeddings (k-mers, d), without those of the special tokens."""
    return model.get_input_embeddings().weight.detach()[FIRST_KMER:]


@dataclass(frozen=True)
class Readout:
    """What is trained: LayerNorm's gain and bias (d,), weights (d, d) and bias (d,), and a bias of each k-mer."""

    gain: Tensor
    shift: Tensor
    weight: Tensor
    bias: Tensor
    kmer_bias: Tensor

    def scores(self, states: Tensor, embeddings: Tensor) -> Tensor:
        """Scores (m, k-mers) of states (m, d)."""
        normed = functional.layer_norm(states, self.gain.shape, self.gain, self.shift)
        return functional.linear(functional.linear(normed, self.weight, self.bias), embeddings, self.kmer_bias)

    @torch.inference_mode()
    def read(self, states: Tensor, embeddings: Tensor) -> np.ndarray:
        """Ids (m,) of the k-mers that are read in states (m, d)."""
        parts = [self.scores(part, embeddings).argmax(dim=1) for part in states.split(READ_AT_ONCE)]
        return torch.cat(parts).cpu().numpy() + FIRST_KMER


def fit_readout(states: Tensor, tokens: np.ndarray, embeddings: Tensor, seed: int) -> Readout:
    """A readout after STEPS steps of Adam on hidden k-mers: `states` (m, d), and the ids `tokens` (m,) that were there.

    It starts from the identity, so that the same `seed` gives every block the same start and the same batches.
    """
    width, device = states.shape[1], states.device
    start = (torch.ones(width), torch.zeros(width), torch.eye(width), torch.zeros(width), torch.zeros(len(embeddings)))
    parameters = [nn.Parameter(tensor.to(device)) for tensor in start]
    readout = Readout(*parameters)
    targets = torch.from_numpy(tokens - FIRST_KMER).to(device)
    optimiser = torch.optim.Adam(parameters, lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, STEPS)
    generator = np.random.default_rng([seed, Stream.MASKED_PROBE])
    for _ in range(STEPS):
        batch = torch.from_numpy(generator.integers(len(tokens), size=BATCH)).to(device)
        optimiser.zero_grad()
        functional.cross_entropy(readout.scores(states[batch], embeddings), targets[batch]).backward()
        optimiser.step()
        schedule.step()
    return Readout(*(parameter.detach() for parameter in parameters))


@torch.inference_mode()
def own_reading(model: BertForMaskedLM, states: Tensor) -> np.ndarray:
    """Ids (m,) of the k-mers that the model's own head reads in the states (m, d) of its last block."""
    parts = [model.cls(part)[:, FIRST_KMER:].argmax(dim=1) for part in states.split(READ_AT_ONCE)]
    return torch.cat(parts).cpu().numpy() + FIRST_KMER
