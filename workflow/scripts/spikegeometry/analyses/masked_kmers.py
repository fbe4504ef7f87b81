"""Hidden k-mers of the test split, as probes after every block of the masked model read them."""

import logging
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch

from spikegeometry.logs import progress
from spikegeometry.model.data import sampled_rows
from spikegeometry.model.masked import (
    fit_readout,
    has_masked_head,
    hide_kmers,
    kmer_embeddings,
    load_masked_model,
    own_reading,
)

COLUMNS = ["span", "row", "slot", "token", "masked", "own"]

logger = logging.getLogger(__name__)


def measure(
    model: str,
    train: str,
    test: str,
    classes: Sequence[str],
    train_sequences_per_class: int,
    sequences_per_class: int,
    spans: Sequence[int],
    rounds: int,
    mask_probability: float,
    batch_size: int,
    device: torch.device,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """What each block's probe, fitted on the training split, and the model's own head read in the place of a k-mer.

    Parameters
    ----------
    model: folder of a masked model; of one without a head nothing is read.
    train, test: encoded splits. classes: of which sequences are drawn.
    train_sequences_per_class, sequences_per_class: distinct ones that are drawn of each.
    spans: numbers of k-mers that are hidden in one run. rounds: of hiding. mask_probability: share that is hidden.
    batch_size, device: of the model.

    Returns
    -------
    targets: a row for each hidden k-mer: span, row of the test split, slot, token, whether it was masked, and the
    tokens that the model's head (`own`) and each block's probe (`block_0`, the embeddings, and on) read.
    """
    if not has_masked_head(model):
        logger.warning("%s has no head for masked k-mers (config key model.base): no k-mer is read.", model)
        return {"targets": pd.DataFrame(columns=COLUMNS).astype(int)}

    def read() -> Iterator[pd.DataFrame]:
        masked = load_masked_model(model, device)
        embeddings, settings = kmer_embeddings(masked), (mask_probability, [seed, 0], batch_size)
        _, own = sampled_rows(train, classes, train_sequences_per_class, seed)
        fitted = [hidden for span in spans for hidden in hide_kmers(masked, own, span, *settings)]
        states, tokens = torch.cat([of.states for of in fitted]), np.concatenate([of.tokens for of in fitted])
        blocks = progress(range(states.shape[1]), "probes fitted", states.shape[1])
        probes = [fit_readout(states[:, block].clone(), tokens, embeddings, seed) for block in blocks]
        rows, held = sampled_rows(test, classes, sequences_per_class, seed)
        chosen = rows.index.to_numpy()
        for span in spans:
            for turn in range(1, rounds + 1):
                for hidden in hide_kmers(masked, held, span, mask_probability, [seed, turn], batch_size):
                    columns = {"span": span, "row": chosen[hidden.rows], "slot": hidden.slots, "token": hidden.tokens}
                    columns |= {"masked": hidden.masked, "own": own_reading(masked, hidden.states[:, -1])}
                    for block, probe in enumerate(probes):
                        columns[f"block_{block}"] = probe.read(hidden.states[:, block], embeddings)
                    yield pd.DataFrame(columns)

    return {"targets": pd.concat(read(), ignore_index=True)}
