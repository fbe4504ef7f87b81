"""Count the tokens that differ from the reference's, native and projected, and ask what they say about the class."""

import logging
from collections import defaultdict

import pandas as pd

from spikegeometry.dataset.reading import read_sets
from spikegeometry.evaluation.summaries import class_medians, measurement_table
from spikegeometry.evaluation.token_evidence import accuracy_table, sample_rows, slot_information, version_calls
from spikegeometry.genomes.fasta import read_single
from spikegeometry.geometry import token_divergence as divergence
from spikegeometry.geometry.placement import ascii_codes, placed_sequences
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging, progress
from spikegeometry.spikes.summary import parse_indels
from spikegeometry.tables import write_parquet, write_tsv

COLUMNS = ["accession", "class", "native", "projected", "deletions", "insertions"]
LABELS, PLACES = ["class", "accession", "set", "input"], ["set", "coordinates", "version"]
configure_logging(snakemake.log[0])
params, paths = snakemake.params, snakemake.input
cut, confidence = (params.k, params.stride), params.confidence
reference = ascii_codes(read_single(paths.reference).sequence[params.start - 1 : params.end])
classes = choose(params.selected_classes, params.classes, "analyses.token_divergence.classes")
sampling, external = (params.analysed_per_class, params.seed), zip(params.external, paths.external, strict=True)
spikes = read_sets(paths.spikes, paths.splits, dict(external), COLUMNS, *sampling)
kinds_of = defaultdict(list)


def in_both_forms(rows):
    for row in progress(rows.to_dict("records"), "spikes", len(rows)):
        indels = parse_indels(row["deletions"], row["insertions"])
        if forms := placed_sequences(row["native"], row["projected"], indels):
            yield row, forms
        else:
            logging.warning("%s is left out: a part of its gene is not aligned.", row["accession"])


def measure():
    for row, forms in in_both_forms(spikes[spikes["class"].isin([*classes, "other"])]):
        for form, sequence in forms.items():
            kinds = divergence.token_kinds(*sequence, reference, *cut)
            kinds_of[("set", row["set"]), ("class", row["class"]), ("coordinates", form)].append(kinds)
            labels = {name: row[name] for name in LABELS} | {"coordinates": form, "version": divergence.AS_IS}
            yield labels | divergence.token_counts(kinds, *sequence, reference, *cut)


measurements = measurement_table(measure())
medians = class_medians(measurements, [*classes, "other"], PLACES, list(divergence.COUNTS), confidence)
shares = (dict(place) | divergence.differing_shares(kinds, reference, *cut) for place, kinds in kinds_of.items())
sample = sample_rows(spikes[spikes["class"].isin(params.classes)], params.sequences_per_class, params.seed)
versions = pd.DataFrame(
    row | version for row, forms in in_both_forms(sample) for version in divergence.versions(forms, reference)
)
information = slot_information(versions, *cut, params.shuffles, params.seed)
accuracies = accuracy_table(version_calls(versions, params.classes, *cut), classes, PLACES, confidence)
write_parquet(measurements, snakemake.output.sequences)
write_parquet(pd.concat([measurement_table(shares), information]), snakemake.output.slots)
write_tsv(pd.concat([medians, accuracies]), snakemake.output.table)
