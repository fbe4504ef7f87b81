"""What training hides from the model: spans to predict, and runs that a sequencing gap would hide."""

import numpy as np

from spikegeometry.dataset.vocabulary import MASK, SPECIAL_TOKENS, UNK
from spikegeometry.model.data import NOT_A_TARGET

FIRST_KMER = len(SPECIAL_TOKENS)
MASKED, REPLACED = 0.8, 0.1  # the rest is left as it is (Devlin 2018, section 3.1)
MEAN_RUN = 20  # tokens; between a lone N and a lost amplicon of 400 bases


def mask_spans(
    ids: np.ndarray, generator: np.random.Generator, probability: float, span: int, vocabulary_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Hide a share `probability` of the k-mers, in spans of `span` neighbours; return inputs and labels.

    A label is the id that was there, or NOT_A_TARGET. Special tokens and [UNK] are neither hidden nor targets. A span
    is masked (80%), replaced by random k-mers (10%) or kept (10%) as a whole, because neighbours share bases: a kept
    k-mer would spell out part of a masked one.
    """
    kmers = ids >= FIRST_KMER
    spans = (np.arange(len(ids)) + generator.integers(span)) // span
    candidates = np.unique(spans[kmers])
    inputs, labels = ids.copy(), np.full_like(ids, NOT_A_TARGET)
    if not len(candidates):
        return inputs, labels
    chosen = generator.choice(candidates, max(1, round(probability * len(candidates))), replace=False)
    fate = np.full(spans[-1] + 1, np.inf)
    fate[chosen] = generator.random(len(chosen))
    fate = np.where(kmers, fate[spans], np.inf)
    labels[fate < 1] = ids[fate < 1]
    inputs[fate < MASKED] = MASK
    replaced = (fate >= MASKED) & (fate < MASKED + REPLACED)
    inputs[replaced] = generator.integers(FIRST_KMER, vocabulary_size, replaced.sum())
    return inputs, labels


def hide_runs(ids: np.ndarray, generator: np.random.Generator, probability: float) -> np.ndarray:
    """Replace tokens between [CLS] and [SEP] by [UNK], in runs of geometric length (mean 20).

    The share that is hidden varies between sequences, as gaps do, evenly around the mean `probability`. A run that
    leaves the gene at its end goes on at its start, so that each token is hidden with the same probability.
    """
    hidden = np.zeros(len(ids) - 2, dtype=bool)
    share = probability + generator.uniform(-1, 1) * min(probability, 1 - probability)
    wanted = round(share * len(hidden))
    while (missing := wanted - hidden.sum()) > 0:
        start = generator.integers(len(hidden))
        run = start + np.arange(min(missing, generator.geometric(1 / MEAN_RUN)))
        hidden[run % len(hidden)] = True
    inputs = ids.copy()
    inputs[1:-1][hidden] = UNK
    return inputs
