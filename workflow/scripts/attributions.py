"""Ask which tokens decide on the class of each sequence, and whether these hold the class's defining mutations."""

from pathlib import Path

import numpy as np
import torch

from spikegeometry.dataset.encoding import Encoder
from spikegeometry.dataset.kmers import token_bases, token_residues
from spikegeometry.dataset.vocabulary import MASK, read_vocabulary
from spikegeometry.evaluation.attribution_tables import attribution_findings, mean_table
from spikegeometry.evaluation.findings import findings_table
from spikegeometry.evaluation.summaries import distinct, labelled_sequences, measurement_table
from spikegeometry.genomes.definitions import defined_in_gene, sites
from spikegeometry.genomes.fasta import read_single
from spikegeometry.geometry.attributions import Explainer, judged
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.model.activations import Recorded
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.runtime import prepare
from spikegeometry.model.weights import read_layers, read_shape
from spikegeometry.tables import write_parquet, write_tsv

configure_logging(snakemake.log[0])
params, paths, (start, end) = snakemake.params, snakemake.input, snakemake.params.gene
model = load_classifier(paths.model, params.classes, prepare(params.device, params.threads)).requires_grad_(False)
recorded = Recorded(Path(paths.tokens).parent)
tokens_of = dict(zip(recorded.sequences["accession"], recorded.tokens, strict=True))
chosen = choose(params.selected_classes, params.classes, "analyses.attributions.classes")
mutations = defined_in_gene(paths.definitions, params.classes, params.share, start, end, params.insertions)
classes = [name for name in chosen if name in mutations]
encoder, genome = Encoder(read_vocabulary(paths.vocabulary), params.stride), read_single(paths.reference).sequence
explainer = Explainer(
    forward=lambda ids: model(input_ids=ids).logits,
    embedding=model.get_input_embeddings(),
    layers=read_layers(paths.model),
    heads=read_shape(paths.model).heads,
    reference=torch.from_numpy(encoder.encode([genome[start - 1 : end]])[0]).long(),
    mask=MASK,
    **params.settings,
)
of_kmers, of_sequences = [], []
for sequence, hidden in distinct(labelled_sequences(recorded, classes), params.sequences_per_class):
    name, kmers = sequence["class"], np.arange(1, hidden.shape[1] - 1)
    first, last = token_residues(kmers, params.k, params.stride)
    places = {"token": kmers, "first_residue": first, "last_residue": last}
    ids = torch.from_numpy(tokens_of[sequence["sequence"]][: hidden.shape[1]].astype(np.int64))
    own, others = map(torch.from_numpy, sites(mutations, *token_bases(kmers, params.k, params.stride))[name])
    found, differs = explainer.explain(ids, hidden, params.classes.index(name)), explainer.differs(ids)
    of_sequences += [(sequence | one, values) for one, values in judged(found, own, others, differs, params.cutoffs)]
    for method, one in found.items():
        values = {"attribution": one.tokens[1:-1], "differs": differs.double(), "defining": own.double()}
        of_kmers.append((sequence | {"method": method} | places, values))

write_parquet(measurement_table(labels | values for labels, values in of_kmers), snakemake.output.sequences)
write_parquet(mean_table(of_kmers, classes, ["method", *places], params.confidence), snakemake.output.tokens)
table = mean_table(of_sequences, classes, ["method", "k"], params.confidence)
write_tsv(table, snakemake.output.table)
write_tsv(findings_table(attribution_findings(table, classes, params.confidence)), snakemake.output.findings)
