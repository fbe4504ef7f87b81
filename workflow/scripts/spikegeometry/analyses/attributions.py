"""Which tokens decide on the class of each sequence, and whether these hold the class's defining mutations."""

import numpy as np
import pandas as pd
import torch

from spikegeometry.analyses.study import Study
from spikegeometry.analyses.tables.attribution_tables import attribution_findings, mean_table
from spikegeometry.dataset.encoding import Encoder
from spikegeometry.dataset.kmers import token_bases, token_residues
from spikegeometry.dataset.vocabulary import MASK, read_vocabulary
from spikegeometry.genomes.definitions import defined_in_gene, named_mutations, sites
from spikegeometry.genomes.fasta import read_single
from spikegeometry.geometry.attributions import Explainer, judged
from spikegeometry.model.classifier import load_classifier
from spikegeometry.stats.findings import findings_table
from spikegeometry.stats.summaries import distinct, labelled_sequences, measurement_table


def measure(
    study: Study,
    vocabulary: str,
    reference: str,
    definitions: str,
    baselines: list[str],
    steps: int,
    residual: float,
    share: float,
    cutoffs: list[int],
    sequences_per_class: int,
    coordinates: str,
    start: int,
    end: int,
    k: int,
    stride: int,
    batch_size: int,
    device: torch.device,
) -> dict[str, pd.DataFrame]:
    """Attributions of the logit of a sequence's class to its k-mers, by several methods, and their precision at k.

    Classes without defining mutations are left out.

    Parameters
    ----------
    study: a network and its recorded sequences.
    vocabulary: of the k-mers. reference: FASTA of the reference genome. definitions: table of defining mutations, of
    which those count that at least `share` of a class's genomes have; those in insertions count only in `native`
    coordinates.
    baselines: of integrated gradients, `reference` or `mask`. steps: of its integral. residual: of rollout.
    cutoffs: the numbers k of k-mers of which precision is taken. sequences_per_class: distinct ones that are explained.
    start, end: first and last base of the gene in the reference, from 1. k, stride: of the k-mers, in bases.
    batch_size, device: of the model.

    Returns
    -------
    table: means by class, method and k, with intervals. sequences: attribution of each k-mer of each sequence. tokens:
    means by class, method and k-mer. findings. mutations: those that define the classes, by their names.
    """
    model = load_classifier(study.folder, study.all_classes, device).requires_grad_(False)
    mutations = defined_in_gene(definitions, study.all_classes, share, start, end, coordinates == "native")
    classes = [name for name in study.classes if name in mutations]
    encoder, genome = Encoder(read_vocabulary(vocabulary), stride), read_single(reference).sequence
    gene = genome[start - 1 : end]
    explainer = explainer_of(model, study.weights, encoder, gene, baselines, steps, residual, batch_size)
    of_kmers, of_sequences = [], []
    for sequence, hidden in distinct(labelled_sequences(study.recorded, classes), sequences_per_class):
        name, kmers = sequence["class"], np.arange(1, hidden.shape[1] - 1)
        first, last = token_residues(kmers, k, stride)
        places = {"token": kmers, "first_residue": first, "last_residue": last}
        ids = torch.from_numpy(study.tokens[sequence["sequence"]][: hidden.shape[1]].astype(np.int64))
        own, others = map(torch.from_numpy, sites(mutations, *token_bases(kmers, k, stride))[name])
        found, differs = explainer.explain(ids, hidden, study.all_classes.index(name)), explainer.differs(ids)
        of_sequences += [(sequence | one, values) for one, values in judged(found, own, others, differs, cutoffs)]
        for method, one in found.items():
            values = {"attribution": one.tokens[1:-1], "differs": differs.double(), "defining": own.double()}
            of_kmers.append((sequence | {"method": method} | places, values))

    table = mean_table(of_sequences, classes, ["method", "k"], study.confidence)
    columns = ["method", "token", "first_residue", "last_residue"]
    return {
        "table": table,
        "sequences": measurement_table(labels | values for labels, values in of_kmers),
        "tokens": mean_table(of_kmers, classes, columns, study.confidence),
        "findings": findings_table(attribution_findings(table, classes, study.confidence)),
        "mutations": named_mutations(mutations, gene),
    }


def explainer_of(
    model,
    weights: list[dict[str, torch.Tensor]],
    encoder: Encoder,
    gene: str,
    baselines: list[str],
    steps: int,
    residual: float,
    batch_size: int,
) -> Explainer:
    """What asks a classifier, of `load_classifier`, which tokens decide.

    `weights` are those of its layers; `gene` is the reference's.
    """
    return Explainer(
        forward=lambda ids: model(input_ids=ids).logits,
        embedding=model.get_input_embeddings(),
        layers=weights,
        heads=model.config.num_attention_heads,
        reference=torch.from_numpy(encoder.encode([gene])[0]).long(),
        mask=MASK,
        baselines=baselines,
        steps=steps,
        batch_size=batch_size,
        residual=residual,
    )
