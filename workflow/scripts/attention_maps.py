"""Average the attention maps of every head over the sequences of each class, and list the pairs of tokens they join."""

from spikegeometry.analyses import attention_maps
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.analyses.tables.attention_tables import appending
from spikegeometry.logs import configure_logging
from spikegeometry.tables import atomic_path, create_array, write_results

configure_logging(snakemake.log[0])
given, params, output = snakemake.input, snakemake.params, snakemake.output
study = study_of_rule(given, params, snakemake.threads, "attention_maps")
settings = {"thresholds": params.thresholds, "kappa": params.kappa, "min_frequency": params.min_frequency}
cut = {"k": params.k, "stride": params.stride}
with atomic_path(output.means) as path, appending(output.tokens) as add_tokens, appending(output.pairs) as add_pairs:
    means = create_array(path, attention_maps.map_shape(study))
    results = attention_maps.measure(study, given.attention, means, add_tokens, add_pairs, **settings, **cut)
write_results(results, output)
