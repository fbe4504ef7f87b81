"""Masking of spans and hiding of runs."""

import numpy as np
import pytest

from spikegeometry.dataset.vocabulary import CLS, MASK, SEP, UNK
from spikegeometry.model.corruption import FIRST_KMER, hide_runs, mask_spans
from spikegeometry.model.data import NOT_A_TARGET

VOCABULARY_SIZE = 1000


@pytest.fixture
def ids():
    """A spike of 424 tokens, of which 24 are [UNK]."""
    ids = np.random.default_rng(0).integers(FIRST_KMER, VOCABULARY_SIZE, 426)
    ids[100:124] = UNK
    ids[0], ids[-1] = CLS, SEP
    return ids


def masked(ids, times, **options):
    settings = {"probability": 0.15, "span": 3, "vocabulary_size": VOCABULARY_SIZE} | options
    pairs = [mask_spans(ids, np.random.default_rng([1, time]), **settings) for time in range(times)]
    return tuple(map(np.array, zip(*pairs, strict=True)))


def test_special_tokens_and_unknown_are_never_touched(ids):
    inputs, labels = masked(ids, 200, probability=0.9)
    special = ids < FIRST_KMER
    assert (inputs[:, special] == ids[special]).all()
    assert (labels[:, special] == NOT_A_TARGET).all()
    assert not np.isin(inputs[:, ~special], [0, UNK, CLS, SEP]).any()


def test_labels_are_what_was_there_and_other_tokens_stay(ids):
    inputs, labels = masked(ids, 50)
    targets = labels != NOT_A_TARGET
    assert (np.broadcast_to(ids, inputs.shape)[targets] == labels[targets]).all()
    assert (np.broadcast_to(ids, inputs.shape)[~targets] == inputs[~targets]).all()


def test_share_and_fates(ids):
    inputs, labels = masked(ids, 1000)
    targets = labels != NOT_A_TARGET
    assert targets.sum() / (ids >= FIRST_KMER).sum() / 1000 == pytest.approx(0.15, abs=0.005)
    fates = inputs[targets]
    kept = fates == labels[targets]
    assert (fates == MASK).mean() == pytest.approx(0.8, abs=0.01)
    assert kept.mean() == pytest.approx(0.1, abs=0.01)


def test_spans_are_whole_and_each_place_is_hidden_alike(ids):
    inputs, labels = masked(ids, 3000, span=3, probability=0.1)
    targets = labels != NOT_A_TARGET
    # A run of targets between two others is a number of whole spans, all of one fate within a span.
    edges = np.diff(np.pad(targets, ((0, 0), (1, 1))).astype(int), axis=1)
    for row in range(100):
        starts, stops = np.flatnonzero(edges[row] == 1), np.flatnonzero(edges[row] == -1)
        inner = (starts > 1) & (stops < 425) & ((stops <= 100) | (starts >= 124)) & (stops != 100) & (starts != 124)
        assert ((stops - starts)[inner] % 3 == 0).all()
    places = targets[:, ids >= FIRST_KMER].mean(axis=0)
    assert places.min() > 0.07
    assert places.max() < 0.13


def test_something_is_always_hidden_unless_nothing_can_be():
    short = np.array([CLS, 7, 8, SEP])
    _, labels = mask_spans(short, np.random.default_rng(0), 0.01, 3, 20)
    assert (labels != NOT_A_TARGET).any()
    unknown = np.array([CLS, UNK, UNK, SEP])
    inputs, labels = mask_spans(unknown, np.random.default_rng(0), 0.5, 3, 20)
    assert (inputs == unknown).all()
    assert (labels == NOT_A_TARGET).all()


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.9])
def test_hidden_share_is_right_on_average_and_varies(ids, probability):
    hidden = np.array(
        [hide_runs(ids[:100], np.random.default_rng([2, time]), probability) == UNK for time in range(1000)]
    )
    assert not hidden[:, [0, -1]].any()
    shares = hidden[:, 1:-1].mean(axis=1)
    assert shares.mean() == pytest.approx(probability, abs=0.015)
    assert shares.std() == pytest.approx(min(probability, 1 - probability) / np.sqrt(3), abs=0.01)


def test_each_token_is_hidden_equally_often(ids):
    """A run that would begin before the gene or end behind it is one too: the first token is hidden as often as any."""
    hidden = np.mean([hide_runs(ids, np.random.default_rng([4, time]), 0.1) == UNK for time in range(3000)], axis=0)
    shares = np.delete(hidden[1:-1], slice(99, 123))  # without those that are unknown anyway
    # Each token: the mean share, to five standard deviations of 3000 draws.
    assert shares == pytest.approx(0.1, abs=5 * np.sqrt(0.1 * 0.9 / 3000))
    ends = np.r_[shares[:5], shares[-5:]].mean()
    assert ends == pytest.approx(0.1, abs=0.012)


def test_runs_are_long(ids):
    hidden = hide_runs(ids, np.random.default_rng(3), 0.5)[1:-1] == UNK
    runs = np.count_nonzero(np.diff(hidden.astype(int)) == 1)
    assert hidden.sum() / max(runs, 1) > 5
