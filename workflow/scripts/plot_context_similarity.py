"""Draw the similar pairs of k-mers: the overview, their distances, and example maps."""

import numpy as np

from spikegeometry.dataset.domains import domain_slots, read_domains, residue_places
from spikegeometry.figures.context_similarity import draw_context_similarity, draw_distances, draw_maps
from spikegeometry.figures.style import save
from spikegeometry.genomes.definitions import mutations_of_rule
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
given, params, output = snakemake.input, snakemake.params, snakemake.output
domains = read_domains(given.domains)
mutations = mutations_of_rule(snakemake)
chosen = params.selected_classes or params.classes
table, anchors = read_tsv(given.table), read_tsv(given.anchors)
places = map(residue_places, (domains, mutations))
figure = draw_context_similarity(table, anchors, *places, params.top, params.cosine, chosen)
save(figure, output.png, output.svg)
save(draw_distances(read_tsv(given.distances), params.top), output.distances_png, output.distances_svg)
with np.load(given.maps, allow_pickle=False) as maps:
    drawn = {name: maps[name] for name in maps if name != "sequence"}
    figure = draw_maps(drawn, str(maps["sequence"]), domain_slots(domains, params.k, params.stride))
save(figure, output.maps_png, output.maps_svg)
