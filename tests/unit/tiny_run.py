"""The files of a run that the analyses read, made from a small random BERT, and a way to run a script on them."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from checkout import SCRIPTS
from rule_run import Named
from spikegeometry.dataset.encoding import SCHEMA
from spikegeometry.tables import read_tsv, write_parquet, write_tsv

VOCABULARY = 50
PAD, CLS, SEP = 0, 2, 3
FIRST_KMER = 5  # after [PAD], [UNK], [CLS], [SEP] and [MASK]

# The small run: its classes, and the parameters of an analysis of all of it.
CLASSES = ["alpha", "beta", "gamma"]
VERDICTS = {"supported", "contradicted", "undecided", "not applicable"}
LAYERS, HEADS = 2, 4
WHOLE = {"layers": [], "heads": [], "selected_classes": [], "classes": CLASSES, "confidence": 0.95}


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


def small_bert(layers: int = LAYERS, seed: int = 0) -> BertForSequenceClassification:
    """The model of the small run."""
    return random_bert(layers, HEADS, width=16, classes=len(CLASSES), seed=seed)


def small_sequences() -> dict[str, list[np.ndarray]]:
    """Three sequences of alpha, two of them with the same tokens, one of beta, none of gamma."""
    twin = random_tokens(0, 14)
    return {"alpha": [twin, random_tokens(1, 11), twin], "beta": [random_tokens(2, 12)], "gamma": []}


def write_small_run(folder: Path, layers: int = LAYERS) -> Path:
    """`write_run` for `small_bert` and `small_sequences`; returns the folder."""
    write_run(folder, small_bert(layers), small_sequences())
    return folder


def write_models(folder: Path) -> Path:
    """Write two models, pretrained/ and finetuned/, the second with a classifier; returns the folder."""
    small_bert().base_model.save_pretrained(folder / "pretrained")
    small_bert(seed=1).save_pretrained(folder / "finetuned")
    return folder


def absent(analysis: str, *keys: str, layers: int = LAYERS) -> pytest.MarkDecorator:
    """Parametrise a test by what the small run lacks: `key`, the `value` that asks for it, the refusal's `message`.

    `keys` are those that the analysis has of layers, heads and selected_classes; all, where none is named.
    """
    cases = [("selected_classes", ["gamma"], "No sequence is recorded")]
    for key, value, there in (
        ("layers", layers + 1, range(1, layers + 1)),
        ("heads", HEADS + 1, range(1, HEADS + 1)),
        ("selected_classes", "mu", CLASSES),
    ):
        where = f"Config key analyses.{analysis}.{key.removeprefix('selected_')}"
        message = f"{where}: {value} does not exist.\nThere are: {', '.join(map(str, there))}."
        cases.append((key, [there[0], value], re.escape(message)))
    wanted = [case for case in cases if not keys or case[0] in keys]
    return pytest.mark.parametrize(("key", "value", "message"), wanted)


@torch.inference_mode()
def write_run(folder: Path, model: BertForSequenceClassification, sequences: dict[str, list[np.ndarray]]) -> None:
    """Write model/, activations/, test.arrow and predictions.parquet for the token ids of each class's sequences, all
    recorded.

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
    write_recorded(folder / "test.arrow", sequences)


def write_encoded(path: Path, table: pa.Table) -> None:
    """Write a split of the data set, as `encode` does."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        writer.write_table(table)


def write_recorded(path: Path, sequences: dict[str, list[np.ndarray]]) -> None:
    """Write the test split of the run of `write_run`, of which the token ids alone count."""
    ids = [tokens.tolist() for several in sequences.values() for tokens in several]
    rows = {name: [""] * len(ids) for name in ("accession", "class", "haplotype")}
    rows |= {name: [0] * len(ids) for name in ("label", "unknown")}
    write_encoded(path, pa.table(rows | {"input_ids": ids}, schema=SCHEMA))


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
) -> Named:
    """Run the script of an analysis on the files of `write_run`; returns the paths of its outputs.

    `outputs` and `inputs` give the names, below `folder`, of what else the script writes and reads; parameters that are
    not given are those of `WHOLE`.
    """

    def paths(names):
        return [str(folder / name) for name in names] if isinstance(names, list) else str(folder / names)

    given = {"model": "model", "predictions": "predictions.parquet", "split": "test.arrow"}
    given |= {"sequences": "activations/sequences.tsv"}
    given |= {name: f"activations/{name}.npy" for name in ("hidden_states", "cls", "tokens")}
    given |= {"attention": "activations/attention_mean.npz"} | (inputs or {})
    made = {"table": f"{name}.tsv", "sequences": f"{name}.parquet"} | (outputs or {})
    snakemake = SimpleNamespace(
        input=Named(**{key: paths(names) for key, names in given.items()}),
        output=Named(**{key: paths(names) for key, names in made.items()}),
        log=[str(folder / f"{name}.log")],
        threads=1,
        params=Named(**WHOLE | params),
    )
    runpy.run_path(str(SCRIPTS / f"{name}.py"), init_globals={"snakemake": snakemake})
    return snakemake.output


def read_table(path: str) -> pd.DataFrame:
    """A table that a script wrote, of either kind."""
    return read_tsv(path) if path.endswith(".tsv") else pd.read_parquet(path)


def run_analysis(name: str, folder: Path, *files: dict[str, str], **options) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As `run_script`: the analysis' table of classes and that of sequences."""
    output = run_script(name, folder, *files, **options)
    return read_table(output.table), read_table(output.sequences)
