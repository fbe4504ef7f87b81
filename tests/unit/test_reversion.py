"""What mutations carry is the difference of two answers, each computed alone."""

import itertools

import numpy as np
import pytest
import torch

from spikegeometry.dataset.encoding import Encoder
from spikegeometry.dataset.vocabulary import CLS, SEP, SPECIAL_TOKENS, UNK
from spikegeometry.model.reversion import carried
from tiny_bert import KMERS, classifier

VOCABULARY = ["".join(kmer) for kmer in itertools.product("ACGT", repeat=3)][:KMERS]  # AAA to CAT
ENCODER = Encoder([*SPECIAL_TOKENS, *VOCABULARY], stride=3)


def log_probabilities(model, sequence):
    """Of one sequence alone, whose tokens are looked up in the list."""
    kmers = [sequence[start : start + 3] for start in range(0, len(sequence) - 2, 3)]
    ids = [CLS, *(VOCABULARY.index(kmer) + len(SPECIAL_TOKENS) if kmer in VOCABULARY else UNK for kmer in kmers), SEP]
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1).numpy()


@pytest.mark.parametrize("batch_size", [1, 16])
def test_the_loss_of_the_likeliest_class(batch_size):
    model = classifier()
    groups = [["AAAACCAGT", "AAAAAAAGT", "AAAACCTTT"], ["CATCATAAC"], ["ACAACAACA", "ACAACA", "ACAACAACA"]]
    found = carried(model, ENCODER, groups, batch_size)
    for (sequence, *variants), values in zip(groups, found, strict=True):
        own = log_probabilities(model, sequence)
        expected = [own.max() - log_probabilities(model, variant)[own.argmax()] for variant in variants]
        np.testing.assert_allclose(values, expected, atol=1e-5)
    assert found[2][1] == 0 and np.abs(found[0]).min() > 1e-3
