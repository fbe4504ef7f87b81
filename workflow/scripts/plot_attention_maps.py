"""Draw the attention maps: where attention goes, an overview of each layer, and chosen heads at full resolution."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from spikegeometry.dataset.domains import domain_slots, read_domains
from spikegeometry.figures.attention_maps import (
    ALL_CLASSES,
    draw_attention_maps,
    draw_head,
    draw_high_pairs,
    draw_layer,
)
from spikegeometry.figures.style import save
from spikegeometry.geometry.selection import choose
from spikegeometry.logs import configure_logging
from spikegeometry.tables import read_tsv

# The share of a class's sequences in which a pair has a multiple of uniform attention, whatever the length.
HIGH = "frequency_scale_free"

configure_logging(snakemake.log[0])
params, output = snakemake.params, snakemake.output
table = read_tsv(snakemake.input.table)
# (class, layer, head, query, key): classes in the order of the config.
means = np.load(snakemake.input.means, mmap_mode="r", allow_pickle=False)
pairs = pd.read_parquet(snakemake.input.pairs)
domains = domain_slots(read_domains(snakemake.input.domains), params.k, params.stride)
layers, heads = ([int(number) for number in sorted(table[axis].unique())] for axis in ("layer", "head"))
counts = table.groupby("class")["n"].max()
present = [name for name in params.classes if name in counts]
counts_of_classes = {name: int(counts[name]) for name in present}

figure = draw_attention_maps(table, params.classes, params.selected_classes or params.classes)
save(figure, output.png, output.svg)
for row, layer in enumerate(layers):
    maps = np.nanmean(means[:, row], axis=0)
    figure = draw_layer(maps, layer, heads, counts[ALL_CLASSES], len(present), domains)
    name = Path(output.layers, f"layer {layer:02}")
    save(figure, name.with_suffix(".png"), name.with_suffix(".svg"))

differences = table[table["statistic"] == "difference"].groupby(["layer", "head"])["value"].mean()
key = "analyses.attention_maps.full_maps"
asked = [tuple(one) for one in params.full_maps] or [differences.idxmax()]
for layer, head in choose(asked, product(layers, heads), key):
    maps = dict(zip(present, means[:, layers.index(layer), heads.index(head)], strict=True))
    figure = draw_head(maps, layer, head, counts_of_classes, domains)
    name = Path(output.heads, f"layer {layer:02} head {head:02}")
    save(figure, name.with_suffix(".png"), name.with_suffix(".svg"))
    often = pairs[(pairs[["layer", "head"]] == [layer, head]).all(axis=1) & (pairs[HIGH] >= params.min_frequency)]
    mean, limits = np.nanmean(list(maps.values()), axis=0), (params.kappa, params.min_frequency)
    figure = draw_high_pairs(mean, often, layer, head, counts_of_classes, domains, *limits)
    save(figure, Path(output.heads, f"{name.name} high pairs.png"), Path(output.heads, f"{name.name} high pairs.svg"))
