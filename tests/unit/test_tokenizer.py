"""The tokenizer of a model folder gives the ids of the data set."""

import numpy as np
import pytest
from transformers import AutoTokenizer

from spikegeometry.dataset.encoding import Encoder
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS
from spikegeometry.model.folders import copy_tokenizer, save_model, save_tokenizer
from tiny_bert import classifier

TOKENS = [*SPECIAL_TOKENS, "----ACGT", "ACGT----", "ACGTACGT", "NRYACGTA"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_model(classifier(), folder)
    save_tokenizer(TOKENS, 64, folder)
    return folder


def test_ids_are_those_of_the_vocabulary(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer("ACGT---- ----ACGT NRYACGTA").input_ids == [2, 6, 5, 8, 3]
    assert tokenizer.convert_ids_to_tokens(range(len(TOKENS))) == TOKENS
    assert tokenizer.pad_token_id == 0
    assert tokenizer.mask_token_id == 4
    assert tokenizer.model_max_length == 64


def test_unseen_and_lower_case_kmers_are_unknown(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer("ACGTAC acgtacgt ACGTACGT").input_ids == [2, 1, 1, 7, 3]


def test_tokenizer_and_encoder_agree(folder):
    sequences = ["ACGTACGT----ACGT", "ACGT----NRYACGTA", "TTTTTTTTACGTACGT"]
    ids, lengths, _ = Encoder(TOKENS, stride=4).encode(sequences)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for sequence, expected in zip(sequences, np.split(ids, np.cumsum(lengths)[:-1]), strict=True):
        kmers = [sequence[start : start + 8] for start in range(0, len(sequence) - 7, 4)]
        assert tokenizer(" ".join(kmers)).input_ids == expected.tolist()


def test_copy_gives_the_same_tokenizer(folder, tmp_path):
    copy_tokenizer(folder, tmp_path)
    assert (tmp_path / "vocab.txt").read_text().split() == TOKENS
    assert (tmp_path / "tokenizer.json").read_bytes() == (folder / "tokenizer.json").read_bytes()


def test_weights_are_as_readable_as_the_configuration(folder):
    assert (folder / "model.safetensors").stat().st_mode == (folder / "config.json").stat().st_mode
