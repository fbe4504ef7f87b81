"""Which statistics of the analyses the atlas shows, by head and by layer, and what they are called."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

# In place of a class, where a statistic is of weights and no sequence is read. No class is called so.
WEIGHTS = ""
NUMBERS = ("value", "low", "high", "n")


@dataclass(frozen=True)
class Statistic:
    """A statistic of a table of an analysis.

    key: its name in links; group and title: its name on the page; unit: of its values; analysis: whose table; where:
    what the labels of its rows are; reference: the value that means nothing special; category: the column of which the
    page shows, for each head, the entry with the largest value.
    """

    key: str
    group: str
    title: str
    unit: str
    analysis: str
    where: dict[str, str]
    reference: float | None = None
    category: str | None = None
    labels: dict[str, str] = field(default_factory=dict)


def _series(group: str, analysis: str, unit: str, where: dict[str, str], titles: dict[str, str], **options):
    """Statistics of one table that differ in the column `statistic` alone."""
    return [
        Statistic(f"{analysis}.{name}", group, title, unit, analysis, where | {"statistic": name}, **options)
        for name, title in titles.items()
    ]


KMERS = {"variant": "kmers"}
ROLES = "Role and pattern"
RANK = "Rank and directions"

OF_HEADS = [
    Statistic(
        "role", ROLES, "Role", "share of sequences", "attention_roles", KMERS | {"statistic": "share"}, category="role"
    ),
    Statistic(
        "pattern",
        ROLES,
        "Gate: name",
        "share of sequences",
        "attention_gates",
        KMERS | {"statistic": "share"},
        category="label",
    ),
    *_series(
        ROLES,
        "attention_gates",
        "score, 0 to 1",
        KMERS | {"label": ""},
        {
            "vertical": "Gate: vertical (all look at the same few)",
            "diffuse": "Gate: diffuse (all keys alike)",
            "self": "Gate: self",
            "bwd": "Gate: backward",
            "fwd": "Gate: forward",
            "cluster": "Gate: cluster (blocks of neighbours)",
            "instance": "Gate: instance (a far key of its own)",
            "diag": "Gate: diagonal",
        },
    ),
    *_series(
        ROLES,
        "attention_gates",
        "share of attention",
        {"variant": "raw", "label": ""},
        {"sink": "Sink: attention to [CLS] and [SEP]"},
    ),
    *_series(
        ROLES,
        "attention_maps",
        "share of attention",
        {},
        {"to_cls": "To [CLS]", "to_sep": "To [SEP]", "to_self": "To itself", "to_prev": "To the token before"}
        | {"to_next": "To the token after", "to_kmer": "To k-mers"},
    ),
    Statistic(
        "regime",
        "Width of attention",
        "Metastable state: regime",
        "share of sequences",
        "attention_entropy",
        KMERS | {"statistic": "share"},
        category="regime",
    ),
    *_series(
        "Width of attention",
        "attention_entropy",
        "k-mers",
        KMERS | {"regime": ""},
        {"k_median": "Metastable state: size k"},
    ),
    *_series(
        "Width of attention",
        "attention_entropy",
        "in units of ln n",
        KMERS | {"regime": ""},
        {"H_norm": "Entropy of the rows"},
    ),
    *_series(
        "Width of attention",
        "attention_entropy",
        "in units of ln n",
        {"variant": "raw", "regime": ""},
        {"vn_norm": "Von Neumann entropy"},
    ),
    *_series(
        RANK,
        "singular_values",
        "directions",
        {"site": "A"},
        {"effective_rank": "Effective rank of the attention map", "stable_rank": "Stable rank of the attention map"},
    ),
    *_series(
        RANK,
        "subspace_directionality",
        "score, -1 to 1",
        {"model": "finetuned", "form": "head"},
        {"directionality": "Directionality of the query-key form", "symmetry": "Symmetry of the query-key form"},
        reference=0.0,
    ),
    *_series(
        RANK,
        "subspace_directionality",
        "directions",
        {"model": "finetuned", "form": "head"},
        {"effective_rank": "Effective rank of the query-key form"},
    ),
    *_series(
        RANK,
        "cone_index",
        "0 to 1",
        {"site": "head", "axis": "tokens", "variant": "all"},
        {"R": "Cone index R of the head's output"},
    ),
    *_series(
        "Effect",
        "head_ablation",
        "change without the head",
        {"variant": "zero", "site": "head"},
        {
            "d_log_probability": "Ablation: log-probability",
            "d_accuracy": "Ablation: accuracy",
            "d_macro_f1": "Ablation: macro F1",
        },
        reference=0.0,
    ),
    *_series(
        "Change by fine-tuning",
        "attention_shift",
        "cosine",
        {"against": "pretrained"},
        {"cosine": "Shift: cosine of the maps before and after"},
    ),
    *_series(
        "Change by fine-tuning",
        "attention_shift",
        "bits",
        {"against": "pretrained"},
        {"js": "Shift: Jensen-Shannon divergence"},
    ),
    *_series(
        "Change by fine-tuning",
        "attention_shift",
        "relative to the weights before",
        {"against": "pretrained"},
        {"weight_change": "Shift: change of the weights"},
    ),
]

CONE, ISOTROPY, NORMS, CLASSES = "Cone index", "Isotropy", "Norms", "Separability of the classes"
POOLED = {"scope": "pooled"}
OF_LAYERS = [
    *(
        Statistic(
            f"cone.{site}",
            CONE,
            f"R, {title}",
            "0 to 1",
            "cone_index",
            {"site": site, "axis": "tokens", "variant": "all", "statistic": "R"},
        )
        for site, title in {
            "output": "layer output",
            "input": "layer input",
            "concat": "heads joined",
            "attn_out": "attention output",
        }.items()
    ),
    Statistic(
        "cone.cls",
        CONE,
        "R, [CLS] over the sequences",
        "0 to 1",
        "cone_index",
        {"site": "cls", "axis": "sequences", "variant": "all", "statistic": "R"},
    ),
    *_series(
        ISOTROPY,
        "isotropy",
        "cosine",
        POOLED,
        {"mean_cosine": "Mean cosine of tokens"},
        reference=0.0,
    ),
    *_series(ISOTROPY, "isotropy", "0 to 1", POOLED, {"isoscore": "IsoScore", "top1_variance": "First component"}),
    *_series(ISOTROPY, "isotropy", "dimensions", POOLED, {"id": "Intrinsic dimension"}),
    *(
        Statistic(
            f"norms.{name}",
            NORMS,
            title,
            "length",
            "vector_norms",
            {"site": "X", "variant": "all", "head": "", "statistic": name},
        )
        for name, title in {"mean": "Mean length of tokens", "sd": "Spread of the length of tokens"}.items()
    ),
    *(
        Statistic(
            f"separability.{site}.{name}",
            CLASSES,
            f"{title}, {words}",
            "-1 to 1" if name == "silhouette" else "share",
            "clustering",
            {"site": site, "method": method, "statistic": name},
        )
        for name, method, title in (
            ("silhouette", "classes", "Silhouette"),
            ("accuracy", "neighbours", "Nearest is of the class"),
        )
        for site, words in (("cls", "[CLS]"), ("kmers", "mean k-mer"))
    ),
]


def domain_statistics(table: pd.DataFrame) -> list[Statistic]:
    """Share and enrichment of the attention to each domain in the table of attention_domains."""
    texts = {
        "log2_enrichment": ("Attention to {} against its length", "doublings", 0.0),
        "share": ("Attention to {}", "share of attention", None),
    }
    return [
        Statistic(
            f"{name}.{domain}",
            "Domains",
            title.format(domain),
            unit,
            "attention_domains",
            KMERS | {"domain": domain, "statistic": name},
            reference,
        )
        for name, (title, unit, reference) in texts.items()
        for domain in dict.fromkeys(table["domain"])
    ]


def select(table: pd.DataFrame, where: dict[str, str]) -> pd.DataFrame:
    """Rows of which each named column has the given text; a missing column has it nowhere."""
    chosen = np.full(len(table), True)
    for column, wanted in where.items():
        values = table[column] if column in table else pd.Series("-", index=table.index)
        empty = values.isna() | values.eq("")
        chosen &= (empty if wanted == "" else values.astype(str).eq(wanted)).to_numpy()
    return table[chosen]


def by_head(statistic: Statistic, table: pd.DataFrame, layers: int, heads: int) -> dict[str, Any] | None:
    """A statistic as one list for each of value, low, high and n, layer after layer; None where no row has it.

    Cells without a row, as of layers that the analysis left out, hold None.
    """
    rows = select(table, statistic.where)
    rows = rows[pd.to_numeric(rows["head"]).notna() & rows["value"].notna()]
    if rows.empty:
        return None
    cells = ((rows["layer"].astype(int) - 1) * heads + pd.to_numeric(rows["head"]).astype(int) - 1).to_numpy()
    described = _described(statistic)
    if statistic.category:
        described["categories"] = sorted(set(rows[statistic.category]))
        rows = rows.assign(category=rows[statistic.category].map(described["categories"].index))
    classes = rows["class"] if "class" in rows else pd.Series(WEIGHTS, index=rows.index)
    described["classes"] = {}
    for name in dict.fromkeys(classes):
        of_class = (classes == name).to_numpy()
        part, places = rows[of_class], cells[of_class]
        if statistic.category:
            # The most frequent entry of each head comes last, and stays.
            order = np.argsort(part["value"].to_numpy(), kind="stable")
            part, places = part.iloc[order], places[order]
        columns = [*(column for column in NUMBERS if column in part), *(["category"] if statistic.category else [])]
        described["classes"][name] = {
            column: placed(part[column].to_numpy(), places, layers * heads) for column in columns
        }
    return described


def by_layer(statistic: Statistic, table: pd.DataFrame) -> dict[str, Any] | None:
    """A statistic of layers as lists of layer, value, low, high and n for each class; None where no row has it."""
    rows = select(table, statistic.where)
    rows = rows[rows["layer"].notna() & rows["value"].notna()]
    if rows.empty:
        return None
    columns = ["layer", *(column for column in NUMBERS if column in rows)]
    of_classes = {
        name: {column: numbers(part[column].to_numpy()) for column in columns}
        for name, part in rows.sort_values("layer", kind="stable").groupby("class", sort=False)
    }
    return _described(statistic) | {"classes": of_classes}


def _described(statistic: Statistic) -> dict[str, Any]:
    names = ("key", "group", "title", "unit", "analysis", "reference")
    return {name: getattr(statistic, name) for name in names}


def placed(values: np.ndarray, places: np.ndarray, size: int) -> list[float | None]:
    """A list of `size` numbers with `values` at `places`, else None."""
    filled = np.full(size, np.nan)
    filled[places] = values
    return numbers(filled)


def numbers(values: np.ndarray) -> list[float | int | None]:
    """Numbers for JSON: whole ones without a point, and None for what is missing."""
    return [
        None if not np.isfinite(value) else int(value) if float(value).is_integer() else float(value)
        for value in np.asarray(values, dtype=float)
    ]
