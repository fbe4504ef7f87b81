"""Score how hidden k-mers were read: accuracy per token along the blocks, and against the label's confidence."""

import numpy as np
import pandas as pd

from spikegeometry.dataset.encoding import count_slots, open_split, padded_ids, take_rows
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS, read_vocabulary
from spikegeometry.evaluation import token_tables as tables
from spikegeometry.evaluation.findings import findings_table
from spikegeometry.evaluation.resampling import estimates
from spikegeometry.evaluation.summaries import number_inputs
from spikegeometry.geometry import token_accuracy as geometry
from spikegeometry.geometry.token_matches import common_slots
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv, write_parquet, write_tsv

configure_logging(snakemake.log[0])
given, params, first = snakemake.input, snakemake.params, len(SPECIAL_TOKENS)
kmers, targets = read_vocabulary(given.vocabulary), pd.read_parquet(given.targets)
rows, targets["row"] = np.unique(targets["row"], return_inverse=True)
test, cells = padded_ids(take_rows(open_split(given.test), rows)), count_slots(open_split(given.train))
majorities = geometry.slot_majorities(*cells, first, test.shape[1])
tokens = pd.DataFrame({"kmer": kmers, "slot": common_slots(*cells, first, len(kmers))})
tokens["majority"] = tokens.index.isin(majorities)
tokens["frequency"] = np.where(tokens.index < first, 0, np.bincount(cells[0], cells[2], len(kmers))).astype(int)
targets["majority"] = majorities[targets["slot"].to_numpy(int)]
sequences, inputs = pd.read_parquet(given.predictions).iloc[rows], number_inputs(test)
confidence = sequences[[f"p_{name}" for name in params.classes]].max(axis=1).to_numpy(float)
sequences = sequences[["class", "accession", "correct"]].assign(input=inputs, confidence=confidence)
n, intervals = len(np.unique(inputs)), (inputs, params.bootstrap, params.confidence, params.seed)
blocks = sum(name.startswith("block_") for name in targets)
readers = [*(("block", block) for block in range(blocks)), ("own", blocks - 1), ("majority", None)]
names = [name if name != "block" else f"block_{block}" for name, block in readers]
often = tokens["majority"].to_numpy(), params.min_targets
scored, of_tokens, of_sequences = [], [], []


def score(reading, place):
    settings = (tokens["frequency"].to_numpy(), *often, params.frequent)
    found = estimates(lambda of: tables.by_reader(geometry.scores(reading, of, *settings), readers), *intervals)
    scored.append(tables.score_table(place, found, n, geometry.correlated_kmers(reading, *often), params.confidence))
    for subset, part in {"all": reading, "differing": reading.differing}.items():
        counts = geometry.token_counts(part, len(kmers))
        of_tokens.append(tables.token_table(tokens, *counts, readers).assign(subset=subset, **place))


for span, of_span in targets.groupby("span"):
    for name, chosen in {"modified": of_span, "masked": of_span[of_span["masked"]]}.items():
        arrays = chosen["row"].to_numpy(), chosen["token"].to_numpy(), chosen[names].to_numpy()
        reading, place = geometry.Reading(len(rows), *arrays), {"span": span, "targets": name}
        score(reading, place)
    accuracy = geometry.input_accuracies(reading, blocks - 1, test, params.min_targets, len(kmers))
    found = estimates(lambda weights, x=accuracy: geometry.line(x, confidence, weights), *intervals)
    scored.append(tables.estimate_table(place | {"reader": "block", "block": blocks - 1}, found, ["statistic"], n))
    of_sequences.append(sequences.assign(span=span, mean_apt=accuracy))
table = tables.stacked(scored, tables.SCORES)
write_tsv(table, snakemake.output.table)
write_parquet(tables.stacked(of_tokens, tables.TOKENS), snakemake.output.tokens)
write_parquet(tables.stacked(of_sequences, tables.SEQUENCES), snakemake.output.sequences)
write_tsv(findings_table(tables.findings(table, read_tsv(given.clusters), params.taus)), snakemake.output.findings)
