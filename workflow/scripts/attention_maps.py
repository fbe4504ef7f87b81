"""Average the attention maps of every head over the sequences of each class, and list the pairs of tokens they join."""

from spikegeometry.analyses import attention_maps
from spikegeometry.analyses.arguments import arguments_of_rule
from spikegeometry.analyses.study import study_of_rule
from spikegeometry.analyses.tables.attention_tables import appending
from spikegeometry.logs import configure_logging
from spikegeometry.tables import atomic_path, create_array, write_results

configure_logging(snakemake.log[0])
output, study = snakemake.output, study_of_rule(snakemake, "attention_maps")
with atomic_path(output.means) as path, appending(output.tokens) as add_tokens, appending(output.pairs) as add_pairs:
    streamed = {
        "means": create_array(path, attention_maps.map_shape(study)),
        "add_tokens": add_tokens,
        "add_pairs": add_pairs,
    }
    results = attention_maps.measure(study, **arguments_of_rule(attention_maps.measure, snakemake, **streamed))
write_results(results, output)
