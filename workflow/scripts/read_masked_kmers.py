"""Fit a readout after every block of the masked model, and read hidden k-mers of the test split with it."""

import logging

import numpy as np
import pandas as pd
import torch

from spikegeometry.dataset.encoding import open_split
from spikegeometry.evaluation.separability import split_sample
from spikegeometry.logs import configure_logging, progress
from spikegeometry.model.data import EncodedRows
from spikegeometry.model.masked import (
    fit_readout,
    has_masked_head,
    hide_kmers,
    kmer_embeddings,
    load_masked_model,
    own_reading,
)
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_parquet

configure_logging(snakemake.log[0])
given, params = snakemake.input, snakemake.params


def sample(path, most):
    table = open_split(path)
    chosen = split_sample(table, list(params.classes), most, params.seed).index.to_numpy()
    encoded = EncodedRows(table)
    return chosen, [encoded[row] for row in chosen]


def read():
    model = load_masked_model(given.model, prepare(params.device, params.threads))
    embeddings, settings = kmer_embeddings(model), (params.mask_probability, [params.seed, 0], params.batch_size)
    _, train = sample(given.train, params.train_sequences_per_class)
    fitted = [hidden for span in params.spans for hidden in hide_kmers(model, train, span, *settings)]
    states, tokens = torch.cat([of.states for of in fitted]), np.concatenate([of.tokens for of in fitted])
    blocks = progress(range(states.shape[1]), "readouts fitted", states.shape[1])
    readouts = [fit_readout(states[:, block].clone(), tokens, embeddings, params.seed) for block in blocks]
    chosen, test = sample(given.test, params.sequences_per_class)
    for span in params.spans:
        for turn in range(1, params.rounds + 1):
            settings = (params.mask_probability, [params.seed, turn], params.batch_size)
            for hidden in hide_kmers(model, test, span, *settings):
                columns = {"span": span, "row": chosen[hidden.rows], "slot": hidden.slots, "token": hidden.tokens}
                columns |= {"masked": hidden.masked, "own": own_reading(model, hidden.states[:, -1])}
                for block, readout in enumerate(readouts):
                    columns[f"block_{block}"] = readout.read(hidden.states[:, block], embeddings)
                yield pd.DataFrame(columns)


if has_masked_head(given.model):
    read_kmers = pd.concat(read(), ignore_index=True)
else:
    logging.warning("%s has no head for masked k-mers (config key model.base): no k-mer is read.", given.model)
    read_kmers = pd.DataFrame(columns=["span", "row", "slot", "token", "masked", "own"]).astype(int)
write_parquet(read_kmers, snakemake.output.targets)
