"""A few test sequences, each by itself: where their attention goes, which k-mers decide, what each mutation carries."""

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.attributions import explainer_of
from spikegeometry.dataset.encoding import Encoder, number_rows, open_split
from spikegeometry.dataset.kmers import token_bases
from spikegeometry.dataset.reading import spike_batches
from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.evaluation.neighbours import nearest
from spikegeometry.genomes.definitions import defined_by, defined_in_gene
from spikegeometry.genomes.fasta import read_single
from spikegeometry.geometry.heads import attention_maps, profiles
from spikegeometry.logs import progress
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.data import EncodedRows
from spikegeometry.model.encoder import hidden_states
from spikegeometry.model.reversion import carried
from spikegeometry.model.weights import read_layers
from spikegeometry.sequences.codons import CODON
from spikegeometry.sequences.mutations import aligned_bases, reverted

# Why a sequence is shown.
WRONG, ABSTAINED, TYPICAL = "called wrongly", "abstained from", "typical"


def measure(
    model: str,
    test: str,
    predictions: str,
    spikes: str,
    known: str,
    vocabulary: str,
    reference: str,
    definitions: str,
    classes: list[str],
    sequences_per_class: int,
    baselines: list[str],
    steps: int,
    residual: float,
    share: float,
    coordinates: str,
    start: int,
    end: int,
    k: int,
    stride: int,
    batch_size: int,
    device: torch.device,
) -> dict[str, pd.DataFrame]:
    """What a classifier makes of single test sequences, those of `choose_examples`.

    Parameters
    ----------
    model: folder of the classifier. test, predictions: the encoded split and what the model said of it, row by row.
    spikes: table of the genes. known: table of training sequences, among which the nearest is looked for.
    vocabulary: of the k-mers. reference: FASTA of the reference genome. definitions: table of the mutations that define
    classes, or nothing; those count that at least `share` of a class's genomes have.
    classes: in the order of the outputs. sequences_per_class: how many are shown.
    baselines, steps, residual: as in `analyses.attributions`.
    coordinates: `projected` or `native`, of the sequences that the model reads. start, end: first and last base of the
    gene in the reference, from 1. k, stride: of the k-mers, in bases. batch_size, device: of the model.

    Returns
    -------
    sequences: accession, class, predicted, reason, kmers (how many), nearest, nearest_class, nearest_differences and
    nearest_compared (bases). kmers: accession, token, first_residue and last_residue of the reference, and what the
    k-mer counts for the class that is called, a column for each method of `geometry.attributions`. attention:
    accession, layer, head, token, received (its share of the attention between k-mers) and from_cls (of [CLS]'s).
    mutations: accession, mutation, residue, defines (classes, between spaces), carried (what the log-probability of the
    class that is called loses when the mutation is put back, in nats).
    """
    network = load_classifier(model, classes, device).requires_grad_(False)
    weights, encoder = read_layers(model), Encoder(read_vocabulary(vocabulary), stride)
    gene = read_single(reference).sequence.upper()[start - 1 : end]
    explainer = explainer_of(network, weights, encoder, gene, baselines, steps, residual, batch_size)
    is_projected = coordinates == "projected"
    defining = defined_in_gene(definitions, classes, share, start, end, not is_projected) if definitions else {}
    split = open_split(test)
    rows = EncodedRows(split)
    chosen = choose_examples(pd.read_parquet(predictions), number_rows(split), classes, sequences_per_class)
    columns = ["accession", "projected", "insertions", "deletions"]
    batches = [batch.to_pandas() for batch in spike_batches(spikes, columns, chosen["accession"])]
    genes = pd.concat(batches, ignore_index=True)

    of_kmers, of_attention, of_mutations = [], [], []
    described = zip(chosen.itertuples(), genes.itertuples(index=False), strict=True)
    for example, spike in progress(described, "sequences explained", len(chosen)):
        ids, name = rows[example.Index], {"accession": example.accession}
        hidden = hidden_states(network.bert, ids)
        kmers = np.arange(1, len(ids) - 1)
        places = np.arange(1, len(gene) + 1) if is_projected else aligned_bases(spike.projected, spike.insertions)
        first, last = ((np.asarray(places)[base - 1] - 1) // CODON + 1 for base in token_bases(kmers, k, stride))
        found = explainer.explain(torch.from_numpy(ids), hidden, classes.index(example.predicted))
        attributed = {method: one.tokens[1:-1].numpy() for method, one in found.items()}
        of_kmers.append(
            pd.DataFrame({"token": kmers, "first_residue": first, "last_residue": last} | attributed).assign(**name)
        )
        of_attention.append(attention_table(hidden, weights, network.config.num_attention_heads).assign(**name))
        changed, texts = reverted(spike.projected, spike.insertions, spike.deletions, gene, is_projected)
        (lost,) = carried(network, encoder, [texts], batch_size)
        of_mutations += [
            (
                example.accession,
                f"{one.name} {one.inserted}".rstrip(),
                one.residue,
                " ".join(defined_by(one, spike.projected, spike.insertions, defining)),
                value,
            )
            for one, value in zip(changed, lost, strict=True)
        ]

    among = pd.read_parquet(known)
    near = nearest(among["projected"].tolist(), genes["projected"].tolist())
    neighbours = among.iloc[near["place"]]
    return {
        "sequences": chosen.reset_index(drop=True).assign(
            kmers=[len(table) for table in of_kmers],
            nearest=neighbours["accession"].to_numpy(),
            nearest_class=neighbours["class"].to_numpy(),
            nearest_differences=near["differences"],
            nearest_compared=near["compared"],
        ),
        "kmers": pd.concat(of_kmers, ignore_index=True),
        "attention": pd.concat(of_attention, ignore_index=True),
        "mutations": pd.DataFrame(of_mutations, columns=["accession", "mutation", "residue", "defines", "carried"]),
    }


def choose_examples(predictions: pd.DataFrame, inputs: np.ndarray, classes: list[str], most: int) -> pd.DataFrame:
    """Up to `most` test sequences of each class, no two of a class with equal `inputs`: accession, class, predicted,
    reason (WRONG, ABSTAINED or TYPICAL). The index is the row, in whose order they are.

    `predictions` as those of the test split, with abstain. Up to half of a class's, rounded up, are called wrongly or,
    after these, abstained from; the others are called well, as far as there are any. Of like ones that of which the
    class has most copies comes first, then that whose probability is nearest to the class's median.
    """
    certainty = predictions[[f"p_{name}" for name in classes]].max(axis=1)
    reasons = np.select([~predictions["correct"], predictions["abstain"]], [WRONG, ABSTAINED], TYPICAL)
    table = predictions[["accession", "class", "predicted"]].assign(reason=reasons, input=inputs, certainty=certainty)
    kept = []
    for name in classes:
        rows = table[table["class"] == name]
        rows = rows.assign(
            copies=rows.groupby("input")["input"].transform("size"),
            distance=(rows["certainty"] - rows["certainty"].median()).abs(),
        )
        rows = rows.sort_values(["copies", "distance"], ascending=[False, True], kind="stable").drop_duplicates("input")
        wrong, abstained, typical = (rows[rows["reason"] == reason] for reason in (WRONG, ABSTAINED, TYPICAL))
        doubtful = pd.concat([wrong, abstained]).head(max(-(-most // 2), most - len(typical)))
        kept.append(pd.concat([doubtful, typical]).head(most))
    return pd.concat(kept).sort_index()[["accession", "class", "predicted", "reason"]]


def attention_table(hidden: torch.Tensor, weights: list[dict[str, torch.Tensor]], heads: int) -> pd.DataFrame:
    """What each k-mer receives from the k-mers and from [CLS] in every layer and head: layer, head, token, received,
    from_cls. `hidden`: (L + 1, n, d)."""
    below = zip(hidden, weights, strict=False)
    found = [profiles(attention_maps(states, layer, heads)) for states, layer in below]
    shape = (len(weights), heads, hidden.shape[1] - 2)
    layer, head, token = (index.ravel() + 1 for index in np.indices(shape))
    received, from_cls = (torch.stack([one[kind] for one in found]).numpy().ravel() for kind in ("kmers", "cls"))
    return pd.DataFrame(
        {"layer": layer, "head": head, "token": token, "received": received, "from_cls": from_cls}
    ).astype({"received": np.float32, "from_cls": np.float32})
