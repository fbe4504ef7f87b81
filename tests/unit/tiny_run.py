"""The files of a run that the analyses read, made from a small random BERT, and a way to run a script on them."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch
from transformers import BertConfig, BertForSequenceClassification

from checkout import SCRIPTS
from spikegeometry.tables import read_tsv, write_parquet, write_tsv

VOCABULARY = 50
PAD, CLS, SEP = 0, 2, 3
FIRST_KMER = 5  # after [PAD], [UNK], [CLS], [SEP] and [MASK]


def random_bert(layers: int, heads: int, width: int, classes: int, seed: int = 0) -> BertForSequenceClassification:
    """A BERT of which nothing is zero or one: biases and LayerNorm gains are random too."""
    config = BertConfig(
        vocab_size=VOCABULARY,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        hidden_size=width,
        intermediate_size=2 * width,
        max_position_embeddings=512,
        num_labels=classes,
        attn_implementation="eager",
    )
    model = BertForSequenceClassification(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if name.endswith("LayerNorm.weight") else 0.0
            parameter.copy_(centre + 0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def random_tokens(seed: int, length: int) -> np.ndarray:
    """[CLS], k-mers, [SEP]: `length` token ids."""
    kmers = np.random.default_rng(seed).integers(FIRST_KMER, VOCABULARY, length - 2)
    return np.array([CLS, *kmers, SEP])


@torch.inference_mode()
def write_run(folder: Path, model: BertForSequenceClassification, sequences: dict[str, list[np.ndarray]]) -> None:
    """Write model/, activations/ and predictions.parquet for the token ids of each class's sequences, all recorded.

    A class may have none; the model has an output for each class.
    """
    members = [(name, tokens) for name, several in sequences.items() for tokens in several]
    longest = max(len(tokens) for _, tokens in members)
    rows, states, ids, probabilities = [], [], [], []
    attention = {}
    for number, (name, tokens) in enumerate(members):
        output = model(torch.from_numpy(tokens)[None], output_hidden_states=True, output_attentions=True)
        padding = (0, longest - len(tokens))
        rows.append((f"{name}/{number}", name, name, True, len(tokens), number, number))
        states.append(np.pad(torch.cat(output.hidden_states).numpy(), ((0, 0), padding, (0, 0))))
        ids.append(np.pad(tokens, padding))
        maps = np.pad(torch.cat(output.attentions).numpy(), ((0, 0), (0, 0), padding, padding), constant_values=np.nan)
        attention.setdefault(name, []).append(maps)
        probabilities.append(output.logits[0].softmax(dim=0).numpy())
    activations = folder / "activations"
    activations.mkdir(parents=True)
    columns = ["accession", "class", "predicted", "correct", "length", "index", "recorded"]
    write_tsv(pd.DataFrame(rows, columns=columns), activations / "sequences.tsv")
    np.save(activations / "hidden_states.npy", np.stack(states))
    np.save(activations / "cls.npy", np.stack(states)[:, :, 0])
    np.save(activations / "tokens.npy", np.stack(ids).astype(np.int32))
    with np.errstate(invalid="ignore"):
        means = {name: np.nansum(maps, axis=0) / np.isfinite(maps).sum(axis=0) for name, maps in attention.items()}
    counts = {f"count_{name}": len(maps) for name, maps in attention.items()}
    np.savez(activations / "attention_mean.npz", **means, **counts)
    shares = pd.DataFrame(np.stack(probabilities), columns=[f"p_{name}" for name in sequences])
    write_parquet(shares, folder / "predictions.parquet")
    model.save_pretrained(folder / "model")


def write_spikes(folder: Path, sequences: dict[str, list[np.ndarray]], k: int = 12, stride: int = 9) -> str:
    """Write spikes.parquet, without indels, and splits.parquet for the run of `write_run`; return the reference.

    Each recorded sequence is a spike of the test split, and of each class three others are in the training split. In
    class number c (from 0), the k-mer c + 1 differs from the reference's at its fifth base.
    """
    longest = max(len(tokens) for several in sequences.values() for tokens in several)
    generator = np.random.default_rng(0)
    reference = "".join(generator.choice(list("ACGT"), stride * (longest - 3) + k))
    spikes, number = [], 0
    for place, (name, several) in enumerate(sequences.items()):
        site = stride * place + 4
        own = reference[:site] + "ACGT"["CGTA".index(reference[site])] + reference[site + 1 :]
        for tokens in several:
            length = stride * (len(tokens) - 3) + k
            spikes.append((f"{name}/{number}", name, own[:length], own, "test"))
            number += 1
        spikes += [(f"{name}/train/{number}", name, own, own, "train") for number in range(3)]
    table = pd.DataFrame(spikes, columns=["accession", "class", "native", "projected", "split"])
    write_parquet(table.drop(columns="split").assign(insertions="", deletions=""), folder / "spikes.parquet")
    write_parquet(table[["accession", "class", "split"]], folder / "splits.parquet")
    return reference


def run_script(
    name: str,
    folder: Path,
    outputs: dict[str, str] | None = None,
    inputs: dict[str, str | list[str]] | None = None,
    **params,
) -> SimpleNamespace:
    """Run the script of an analysis on the files of `write_run`; returns the paths of its outputs.

    `outputs` and `inputs` give the names, below `folder`, of what else the script writes and reads.
    """

    def paths(names):
        return [str(folder / name) for name in names] if isinstance(names, list) else str(folder / names)

    activations = folder / "activations"
    snakemake = SimpleNamespace(
        input=SimpleNamespace(
            model=str(folder / "model"),
            predictions=str(folder / "predictions.parquet"),
            sequences=str(activations / "sequences.tsv"),
            attention=str(activations / "attention_mean.npz"),
            **{key: paths(names) for key, names in (inputs or {}).items()},
            **{part: str(activations / f"{part}.npy") for part in ("hidden_states", "cls", "tokens")},
        ),
        output=SimpleNamespace(
            table=str(folder / f"{name}.tsv"),
            sequences=str(folder / f"{name}.parquet"),
            **{key: str(folder / file) for key, file in (outputs or {}).items()},
        ),
        log=[str(folder / f"{name}.log")],
        threads=1,
        params=SimpleNamespace(**params),
    )
    runpy.run_path(str(SCRIPTS / f"{name}.py"), init_globals={"snakemake": snakemake})
    return snakemake.output


def run_analysis(name: str, folder: Path, *files: dict[str, str], **options) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As `run_script`: the analysis' table of classes and that of sequences."""
    output = run_script(name, folder, *files, **options)
    return read_tsv(output.table), pd.read_parquet(output.sequences)
