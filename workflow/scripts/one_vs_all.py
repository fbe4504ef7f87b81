"""Tell each class from the rest by the tokens in a few slots: the most attended, the most telling, random ones."""

from collections import defaultdict

import numpy as np
import pandas as pd

from spikegeometry.dataset.vocabulary import read_vocabulary
from spikegeometry.evaluation import telling
from spikegeometry.evaluation.separability import distinct_sample
from spikegeometry.evaluation.token_evidence import mutual_information
from spikegeometry.geometry import one_vs_all as few
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging, progress
from spikegeometry.model.classifier import load_classifier
from spikegeometry.model.forward import attention_of_sequences, embedding_output
from spikegeometry.model.runtime import prepare
from spikegeometry.tables import write_parquet, write_tsv

configure_logging(snakemake.log[0])
params, paths = snakemake.params, snakemake.input
model = load_classifier(paths.model, params.classes, prepare("cpu", snakemake.threads), attention="eager")
how = params.classes, params.analysed_per_class, params.seed
(train, ids), (test, test_ids) = (telling.distinct_sequences(path, *how) for path in (paths.train, paths.test))
wanted = choose(params.selected_classes, params.classes, "analyses.one_vs_all.classes")
classes = telling.tellable_classes(wanted, train["class"], test["class"])
tokens = telling.kmer_tokens(ids, train["length"], slots := train["length"].min() - 2)
codes, held = few.code_slots(np.concatenate([tokens, telling.kmer_tokens(test_ids, test["length"], slots)]))
codes, test_codes = np.split(codes, [len(train)])
of_class, of_test = ({name: (rows["class"] == name).to_numpy() for name in classes} for rows in (train, test))
sample = distinct_sample(train, params.classes, params.sequences_per_class, params.seed)
maps = progress(attention_of_sequences(model, ids[sample.index], sample["length"]), "sequences read", len(sample))
rollouts = few.cls_rollouts(maps, params.residual)[:, :slots]
vectors = [embedding_output(model, of_slot, slot) for slot, of_slot in enumerate(held, start=1)]
network = params.steps, params.learning_rate, params.seed
weights = telling.resample_weights(test["input"].to_numpy(), params.bootstrap, params.seed)
chosen, tables, measured = defaultdict(list), [], defaultdict(list)
for name in classes:
    scores = {
        "attention": few.attention_contrast(rollouts, (sample["class"] == name).to_numpy()),
        "information": mutual_information(codes, of_class[name].astype(int)),
    }
    tables.append(telling.position_table(name, tokens, of_class[name], scores, params.k, params.stride))
    for ranking, order in few.rankings(scores, params.random_draws, params.seed):
        for number in sorted({min(number, slots) for number in params.positions}):
            chosen[number, True].append((name, ranking, order[:number]))
    chosen[slots, False].append((name, "all", np.arange(slots)))

for (number, few_enough), places in progress(chosen.items(), "numbers of positions", len(chosen)):
    problems = [few.Problem(codes[:, own], of_class[name], test_codes[:, own], own) for name, _, own in places]
    for classifier, results in few.classify(problems, vectors if few_enough else [], *network).items():
        for (name, ranking, _), (accuracy, scores) in zip(places, results, strict=True):
            metrics = telling.detection_metrics(of_test[name], scores, weights) | {"train_accuracy": accuracy}
            measured[name, ranking, number, classifier].append(metrics)

slot_table, most, vocabulary = pd.concat(tables), max(params.positions), read_vocabulary(paths.vocabulary)
write_parquet(slot_table, snakemake.output.slots)
write_tsv(telling.chosen_positions(slot_table, most, vocabulary), snakemake.output.positions)
table = telling.detection_table(measured, test["class"].value_counts()[classes], params.confidence, params.seed)
write_tsv(table, snakemake.output.table)
