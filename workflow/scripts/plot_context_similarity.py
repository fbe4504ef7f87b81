"""Draw the similar pairs of k-mers: the overview, their distances, and example maps."""

import numpy as np

from spikegeometry.dataset.domains import domain_slots, read_domains
from spikegeometry.figures.context_similarity import draw_context_similarity, draw_distances, draw_maps
from spikegeometry.figures.style import save
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

configure_logging(snakemake.log[0])
params, paths, output = snakemake.params, snakemake.input, snakemake.output
domains = read_domains(paths.domains)
chosen = params.selected_classes or params.classes
table, anchors = read_tsv(paths.table), read_tsv(paths.anchors)
figure = draw_context_similarity(table, anchors, domains, params.top, params.cosine, chosen)
save(figure, output.png, output.svg)
save(draw_distances(read_tsv(paths.distances), params.top), output.distances_png, output.distances_svg)
with np.load(paths.maps, allow_pickle=False) as maps:
    drawn = {name: maps[name] for name in maps if name != "sequence"}
    figure = draw_maps(drawn, str(maps["sequence"]), domain_slots(domains, params.k, params.stride))
save(figure, output.maps_png, output.maps_svg)
