"""The contents of an atlas of random numbers, of any size, and the tables that they come from."""

import json
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pandas as pd

from checkout import ROOT
from spikegeometry.dataset.domains import read_domains
from spikegeometry.report.atlas import atlas_page
from spikegeometry.report.contents import atlas_contents
from spikegeometry.report.statistics import ALONG, OF_HEADS, OF_LAYERS, Statistic
from spikegeometry.sequences.substitutions import AMINO_ACIDS

K, STRIDE = 12, 9
PARTS = ROOT / "workflow/report/atlas"
PROGRAMS = [
    "state",
    "elements",
    "figures",
    "findings",
    "thumbnails",
    "grid",
    "head",
    "track",
    "sequence",
    "substitutions",
    "stream",
    "space",
    "predictions",
    "card",
    "atlas",
]
CLASSES = ["alpha", "beta", "gamma"]
# Analyses that are made of another network too.
REPLICATED = ["attention_roles", "head_ablation", "isotropy"]
STEPS = {"pretrain": [0, 1, 9], "finetune": [0, 3]}
EXAMPLES, KINDS = 2, ("received", "from_cls")
PATTERNS = {"role": ["vertical", "block"], "label": ["diffuse", "self"], "regime": ["global", "small"]}


@dataclass(frozen=True)
class Size:
    """Layers, heads in each, k-mers of a sequence, test sequences of each class, and residues that are substituted."""

    layers: int = 2
    heads: int = 3
    kmers: int = 30
    sequences: int = 4
    residues: int = 12


BERT_BASE = Size(12, 12, 424, 500, 1273)


def random_tables(size: Size, classes: list[str], seed: int = 0) -> dict[str, pd.DataFrame]:
    """Tables of all analyses that the atlas shows, with the numbers rounded as in a file."""
    generator = np.random.default_rng(seed)
    names = [*classes, "all"]
    heads = list(product(range(1, size.layers + 1), range(1, size.heads + 1)))
    tables: dict[str, list[pd.DataFrame]] = {}
    domains = [
        Statistic("", "", "", "", "", "attention_domains", {"variant": "kmers", "domain": name, "statistic": statistic})
        for name in ("NTD", "RBD")
        for statistic in ("share", "log2_enrichment")
    ]
    for one in [*OF_HEADS, *domains]:
        entries = PATTERNS[one.category] if one.category else [None]
        of_weights = one.analysis == "subspace_directionality"
        rows = product([None] if of_weights else names, heads, entries)
        frame = pd.DataFrame(
            [(name, *place, entry) for name, place, entry in rows], columns=["class", "layer", "head", ""]
        )
        frame = frame.rename(columns={"": one.category or "-"}).assign(**one.where)
        tables.setdefault(one.analysis, []).append(frame.drop(columns=["class"] if of_weights else []))
    for one in OF_LAYERS:
        frame = pd.DataFrame(product(names, range(size.layers + 1)), columns=["class", "layer"])
        tables.setdefault(one.analysis, []).append(frame.assign(**({"head": ""} | one.where)))
    found = {}
    for analysis, frames in tables.items():
        table = pd.concat(frames, ignore_index=True).drop(columns="-", errors="ignore")
        value = np.array([float(f"{number:.6g}") for number in generator.normal(size=len(table))])
        table = table.assign(value=value, n=10, low=(value - 0.25).round(9), high=(value + 0.25).round(9))
        text = table.columns.difference(["layer", "head", "value", "n", "low", "high"])
        found[analysis] = table.assign(head=pd.to_numeric(table["head"])).fillna(dict.fromkeys(text, ""))
    return found


def random_details(size: Size, classes: list[str], accessions: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """The other tables. The first sequence of the first class is called by the second."""
    generator = np.random.default_rng(1)
    of_class = np.repeat(classes, size.sequences)
    names = accessions or [f"genome/{i}" for i in range(len(of_class))]
    chances = generator.dirichlet(np.full(len(classes), 0.1), len(of_class))
    chances = np.sort(chances, axis=1)[:, ::-1]
    label = np.repeat(np.arange(len(classes)), size.sequences)
    called = label.copy()
    called[0] = 1
    probabilities = np.empty_like(chances)
    for row, first in enumerate(called):
        others = [i for i in range(len(classes)) if i != first]
        probabilities[row, [first, *others]] = chances[row]
    sequences = pd.DataFrame({"accession": names, "class": of_class, "predicted": np.array(classes)[called]})
    predictions = sequences.assign(correct=called == label, unknown=0, abstain=False, margin=0.25)
    predictions = predictions.assign(**{f"p_{name}": probabilities[:, i] for i, name in enumerate(classes)})
    counts = [
        ("bert", true, other, int(((sequences["class"] == true) & (sequences["predicted"] == other)).sum()))
        for true, other in product(classes, classes)
    ]
    heads = list(product(classes, range(1, size.layers + 1), range(1, size.heads + 1)))
    pairs = [(*place, 1 + i, 1, 2 + i, 5, round(float(generator.random()), 6)) for place in heads for i in range(20)]
    tokens = pd.DataFrame(product(heads, range(1, size.kmers + 1)), columns=["place", "token"])
    tokens[["class", "layer", "head"]] = tokens.pop("place").tolist()
    kmers = range(1, size.kmers + 1)
    attributions = pd.DataFrame(product(classes, kmers), columns=["class", "token"])
    spectra = product(["finetuned", "pretrained"], range(1, size.layers + 1), range(1, size.heads + 1), range(1, 9))
    spaces = sequences.rename(columns={"accession": "sequence"}).assign(
        site="cls", layer=1, method="umap", dimensions=3
    )
    numbers = {axis: generator.normal(size=len(spaces)) for axis in "xyz"}
    return {
        "sequences": sequences,
        "predictions": predictions,
        "confusion": pd.DataFrame(counts, columns=["model", "true", "predicted", "count"]),
        "domains": read_domains(ROOT / "resources/spike_domains.tsv"),
        "metrics": pd.DataFrame(
            [
                ("test", "bert", "accuracy", "", 0.875, 0.5, 0.96, 8),
                ("test", "majority", "accuracy", "", 0.5, 0.2, 0.8, 8),
            ],
            columns=["set", "model", "metric", "class", "value", "low", "high", "n"],
        ),
        "tries": pd.DataFrame({"try": [1], "learnt": ["yes"], "chosen": ["yes"]}),
        "splits": pd.DataFrame(
            {"class": classes, "split": "test", "genomes": size.sequences, "haplotypes": size.sequences}
        ),
        "findings": pd.DataFrame(
            [
                ("isotropy", "Upper layers are narrower.", "Doe 2020", "supported", 0.5, 0.25, 0.75, 12, 0.1, "1 of 1"),
                ("isotropy", "Norms grow.", "Roe 2021", "undecided", 0.125, None, None, 12, None, "0 of 1"),
                ("head_ablation", "Heads are spare.", "Doe 2020", "not applicable", *[None] * 5, "0 of 0"),
            ],
            columns=["analysis", "claim", "source", "verdict", "value", "low", "high", "n", "untrained_value", "seeds"],
        ),
        "pairs": pd.DataFrame(
            pairs,
            columns=["class", "layer", "head", "query", "query_first_residue", "key", "key_first_residue", "mean"],
        ),
        "tokens": tokens.assign(received=generator.random(len(tokens)).astype(np.float32)),
        "attributions": attributions.assign(
            method="gradients_reference",
            statistic="attribution",
            value=generator.normal(size=len(attributions)).round(4),
            n=3,
        ),
        "spectra": pd.DataFrame(spectra, columns=["model", "layer", "head", "rank"]).assign(
            form="head", spectrum="singular", value=lambda table: 1 / table["rank"]
        ),
        "spaces": spaces.assign(**numbers),
        "contrasts": random_contrasts(size, classes),
        **random_examples(size, classes, sequences),
        **random_trajectory(size),
        **random_substitutions(size, classes),
    }


def random_trajectory(size: Size) -> dict[str, pd.DataFrame]:
    """What is measured of heads and layers along the training, at the steps of STEPS."""
    generator = np.random.default_rng(4)
    steps = [(phase, step, step == STEPS[phase][-1]) for phase in STEPS for step in STEPS[phase]]
    layers = [*product(range(1, size.layers + 1), range(1, size.heads + 1))]
    heads, curves = [], []
    for key, labels in ALONG.items():
        places = (
            layers if any(key == one.key for one in OF_HEADS) else [(number, None) for number in range(size.layers + 1)]
        )
        made = pd.DataFrame([(*step, *place) for step in steps for place in places])
        made.columns = ["phase", "step", "kept", "layer", "head"]
        role = "block" if key == "role" else None
        (heads if places is layers else curves).append(made.assign(role=role, site="").assign(**labels))
    found = {"trajectory": pd.concat(heads), "curves": pd.concat(curves)}
    return {
        name: table.assign(value=generator.normal(size=len(table)).round(4), n=6).reset_index(drop=True)
        for name, table in found.items()
    }


def random_substitutions(size: Size, classes: list[str]) -> dict[str, pd.DataFrame]:
    """Scores of the reference and of the first class. All residues are asparagine, of which every second is measured.

    Substitutions by cysteine are of a k-mer that the network does not know. Of the first residue tyrosine defines all
    classes but the last.
    """
    generator = np.random.default_rng(6)
    names, residues = ["reference", classes[0]], range(1, 2 * size.residues, 2)
    scores = pd.DataFrame(product(names, residues, AMINO_ACIDS), columns=["sequence", "residue", "amino_acid"])
    own, unknown = scores["amino_acid"] == "N", scores["amino_acid"] == "C"
    defines = np.where((scores["residue"] == 1) & (scores["amino_acid"] == "Y"), ";".join(classes[:-1]), "")
    columns = ["masked", *(f"change_{name}" for name in classes)]
    values = pd.DataFrame(generator.normal(size=(len(scores), len(columns))), columns=columns).where(~own, 0.0, axis=0)
    values["masked"] = values["masked"].mask(unknown)
    table = scores.assign(own="N", codon="", changes=1, unknown=unknown.astype(int), defines=defines)
    left_out = pd.DataFrame(product(names, [*residues, 2 * size.residues]), columns=["sequence", "residue"])
    gone = np.where(left_out["residue"] == 2 * size.residues, "it is N", "")
    accession = left_out["sequence"].map({"reference": "", classes[0]: "genome/0"})
    return {
        "substitutions": pd.concat([table, values], axis=1),
        "substituted": left_out.assign(accession=accession, copies=1, reason="", left_out=gone),
    }


def random_examples(size: Size, classes: list[str], sequences: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables of the first EXAMPLES sequences of each class; three bases are inserted in the second after the 30th."""
    generator = np.random.default_rng(3)
    shown = sequences.groupby("class", sort=False).head(EXAMPLES).reset_index(drop=True)
    token = np.arange(1, size.kmers + 1)
    bases = STRIDE * (token - 1)
    tables: dict[str, list[pd.DataFrame]] = {"kmers": [], "attention": [], "mutations": []}
    for i, (name, own) in enumerate(zip(shown["accession"], shown["class"], strict=True)):
        moved = [base - 3 * (base >= 30) * (i == 1) for base in (bases, bases + K - 1)]
        places = {"first_residue": moved[0] // 3 + 1, "last_residue": moved[1] // 3 + 1}
        counted = {method: generator.normal(size=size.kmers) for method in ("gradients_reference", "rollout")}
        tables["kmers"].append(pd.DataFrame({"accession": name, "token": token} | places | counted))
        layer, head, place = (axis.ravel() + 1 for axis in np.indices((size.layers, size.heads, size.kmers)))
        shares = {
            kind: generator.dirichlet(np.full(size.kmers, 0.5), size.layers * size.heads).ravel() for kind in KINDS
        }
        tables["attention"].append(
            pd.DataFrame({"accession": name, "layer": layer, "head": head, "token": place} | shares)
        )
        rows = [("N501Y", 501, own, 0.25), ("del 69-70", 69, classes[-1], 1.5), ("D614G", 614, "", -0.125)]
        tables["mutations"].append(
            pd.DataFrame(rows, columns=["mutation", "residue", "defines", "carried"]).assign(accession=name)
        )
    near = {"nearest": "train/1", "nearest_class": classes[0], "nearest_differences": 7, "nearest_compared": 3800}
    table = shown.assign(reason="typical", kmers=size.kmers, **near)
    return {"example_sequences": table} | {f"example_{name}": pd.concat(parts) for name, parts in tables.items()}


def random_contrasts(size: Size, classes: list[str]) -> pd.DataFrame:
    """Tests of all two classes in the order given, of which every third head has none."""
    generator = np.random.default_rng(9)
    places = product(combinations(classes, 2), range(1, size.layers + 1), range(1, size.heads + 1), ("NTD", "RBD"))
    rows = [(*pair, layer, head, domain) for pair, layer, head, domain in places if (layer + head) % 3]
    table = pd.DataFrame(rows, columns=["first", "second", "layer", "head", "domain"]).assign(variant="kmers")
    low = generator.normal(size=len(table)).round(3)
    return table.assign(low=low, high=(low + 0.5).round(3), q=generator.choice([0.001, 0.2], len(table)))


class RandomMaps(dict):
    """Mean attention maps (L, H, n, n) by class, made when they are asked for; rows sum to one."""

    def __init__(self, size: Size, classes: list[str]):
        super().__init__(dict.fromkeys(classes))
        self.sequences = size.sequences
        self.shape = (size.layers, size.heads, size.kmers + 2, size.kmers + 2)

    def __getitem__(self, name):
        if name.startswith("count_"):
            return self.sequences
        generator = np.random.default_rng(list(self).index(name))
        maps = generator.random(self.shape, dtype=np.float32) ** 8
        return maps / maps.sum(axis=-1, keepdims=True)


def contents(
    size: Size, classes: list[str], accessions: list[str] | None = None, without: tuple[str, ...] = ()
) -> dict:
    """The contents of an atlas; `without`: analyses and other tables that are not there."""
    tables = random_tables(size, classes)
    details = random_details(size, classes, accessions)
    mutation = pd.DataFrame(
        [("A23063T", 1501, 1501, False, 1.0), ("del:21765:6", 203, 208, False, 0.5)],
        columns=["mutation", "first", "last", "inserted", "share"],
    )
    return atlas_contents(
        config={
            "reference": {"gene": "spike", "start": 21563, "end": 25384},
            "run": "small",
            "classes": classes,
            "seed": 1,
            "dataset": {"k": K, "stride": STRIDE, "coordinates": "projected"},
            "split": {"method": "haplotype"},
            "evaluation": {"confidence": 0.95},
            "external": {},
            "source": {"type": "simulate"},
            "atlas": {"sequences_per_class": EXAMPLES},
        },
        model={"num_hidden_layers": size.layers, "num_attention_heads": size.heads, "hidden_size": 8},
        tables={name: table for name, table in tables.items() if name not in without},
        networks={
            "random": {name: table for name, table in random_tables(size, classes, 1).items() if name in REPLICATED}
        },
        details={name: table for name, table in details.items() if name not in without},
        attention=RandomMaps(size, classes),
        cls=np.random.default_rng(2).normal(size=(len(classes) * size.sequences, size.layers + 1, 8)),
        mutations={classes[0]: mutation},
        gene="AAT" * 1274,
        card={
            "reference": "NC_045512.2",
            "ran": pd.DataFrame(
                [("package", "numpy", "2.4.6", 3), ("package", "pandas", "3.0.5", 2)],
                columns=["kind", "name", "version", "jobs"],
            ),
            "tables": ["evaluation/metrics.tsv"],
        },
    )


def page(data: dict) -> str:
    """The atlas of some contents."""
    style, body = ((PARTS / name).read_text(encoding="utf-8") for name in ("style.css", "body.html"))
    return atlas_page(data, style, body, [(PARTS / f"{name}.js").read_text(encoding="utf-8") for name in PROGRAMS])


def data_of(html: str) -> dict:
    """What a page embeds."""
    return json.loads(html.split('id="atlas">')[1].split("</script>")[0])
