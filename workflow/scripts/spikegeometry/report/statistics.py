"""Which statistics of the analyses the atlas shows, by head and by layer, what they are called and what they mean."""

from dataclasses import dataclass

import pandas as pd

# In place of a class, where a statistic is of weights and no sequence is read. No class is called so.
WEIGHTS = ""


@dataclass(frozen=True)
class Statistic:
    """A statistic of a table of an analysis.

    key: its name in links; group and title: its name on the page; unit: of its values; meaning: how to read them;
    analysis: whose table; where: what the labels of its rows are; reference: the value that means nothing special;
    category: the column of which the page shows, for each head, the entry with the largest value.
    """

    key: str
    group: str
    title: str
    unit: str
    meaning: str
    analysis: str
    where: dict[str, str]
    reference: float | None = None
    category: str | None = None


def _series(
    group: str, analysis: str, unit: str, where: dict[str, str], titles: dict[str, tuple[str, str]], **options
) -> list[Statistic]:
    """Statistics of one table that differ in the column `statistic`, with their titles and meanings."""
    return [
        Statistic(f"{analysis}.{name}", group, title, unit, meaning, analysis, where | {"statistic": name}, **options)
        for name, (title, meaning) in titles.items()
    ]


def _most_frequent(key: str, group: str, title: str, meaning: str, analysis: str, category: str) -> Statistic:
    """Which entry of the column `category` a head has in the largest share of sequences."""
    return Statistic(
        key, group, title, "share of sequences", meaning, analysis, KMERS | {"statistic": "share"}, category=category
    )


KMERS = {"variant": "kmers"}
AMONG = "Among the k-mers, without [CLS] and [SEP]."
ROLES = "Role and pattern"
WIDTH = "Width of attention"
RANK = "Rank and directions"
SHIFT = "Change by fine-tuning"
# What stands in the place of a head that is switched off.
MODES = {"zero": "nothing", "uniform": "uniform attention", "mean": "its mean output"}

OF_HEADS = [
    _most_frequent(
        "role",
        ROLES,
        "Role",
        "What the map is like in most sequences. Vertical: all queries attend to the same few keys. Diagonal: tokens "
        "attend to themselves and their neighbours. Block: within blocks of tokens. Heterogeneous: none of these. "
        + AMONG,
        "attention_roles",
        "role",
    ),
    _most_frequent(
        "pattern",
        ROLES,
        "Gate",
        "The gate with the best score in most sequences, or the best two. Heterogeneous: no score reaches "
        "analyses.attention_gates.threshold. " + AMONG,
        "attention_gates",
        "label",
    ),
    *_series(
        ROLES,
        "attention_gates",
        "score, 0 to 1",
        KMERS | {"label": ""},
        {
            name: (f"Gate score: {title}", f"{meaning}; 0 is uniform attention, 1 the pure pattern. {AMONG}")
            for name, title, meaning in [
                ("vertical", "vertical", "All queries attend to the same few keys"),
                ("self", "self", "Tokens attend to themselves"),
                ("diag", "diagonal", "Tokens attend to themselves and their neighbours"),
                ("bwd", "backward", "Tokens attend to those before them, within 5 % of the length"),
                ("fwd", "forward", "Tokens attend to those after them, within 5 % of the length"),
                ("cluster", "cluster", "Tokens attend within blocks of tokens, farther than the next"),
                ("instance", "instance", "Each query attends to a far key of its own"),
            ]
        }
        | {"diffuse": ("Gate score: diffuse", f"All keys are attended to alike; 1 is uniform attention. {AMONG}")},
    ),
    *_series(
        ROLES,
        "attention_gates",
        "share of attention",
        {"variant": "raw", "label": ""},
        {"sink": ("Sink: attention to [CLS] and [SEP]", "What the tokens pay to the two that hold no sequence.")},
    ),
    *_series(
        ROLES,
        "attention_maps",
        "share of attention",
        {},
        {
            name: (f"Attention {words}", f"What a token pays {words}, averaged over tokens and sequences.")
            for name, words in {
                "to_cls": "to [CLS]",
                "to_sep": "to [SEP]",
                "to_self": "to itself",
                "to_prev": "to the token before it",
                "to_next": "to the token after it",
                "to_kmer": "to k-mers",
            }.items()
        },
    ),
    _most_frequent(
        "regime",
        WIDTH,
        "Metastable state, regime",
        "How many keys hold most of the attention of the median query, in most sequences: small is up to 1/16 of all "
        "keys, medium up to 1/4, large up to 1/2, global more. " + AMONG,
        "attention_entropy",
        "regime",
    ),
    *_series(
        WIDTH,
        "attention_entropy",
        "k-mers",
        KMERS | {"regime": ""},
        {
            "k_median": (
                "Metastable state, size k",
                "The fewest keys that hold the share analyses.attention_entropy.mass of the attention of the median "
                "query. " + AMONG,
            )
        },
    ),
    *_series(
        WIDTH,
        "attention_entropy",
        "in units of ln n",
        KMERS | {"regime": ""},
        {
            "H_norm": (
                "Entropy of attention",
                "Mean over the queries: 1 where all keys are alike, 0 where one key has all the attention. " + AMONG,
            )
        },
    ),
    *_series(
        WIDTH,
        "attention_entropy",
        "in units of ln n",
        {"variant": "raw", "regime": ""},
        {
            "vn_norm": (
                "Von Neumann entropy of the map",
                "0 where all queries attend alike, whatever they attend to; 1 where each attends to a key of its own.",
            )
        },
    ),
    *_series(
        RANK,
        "singular_values",
        "directions",
        {"site": "A"},
        {
            "relative_rank": (
                "Rank of the attention map",
                "Singular values above the share analyses.singular_values.threshold of the largest.",
            ),
            "effective_rank": (
                "Effective rank of the attention map",
                "How many equal singular values would have the same entropy: 1 where all queries get the same answer.",
            ),
            "stable_rank": (
                "Stable rank of the attention map",
                "Sum of the squares of the singular values, over the largest square.",
            ),
        },
    ),
    *_series(
        RANK,
        "subspace_directionality",
        "score, -1 to 1",
        {"model": "finetuned", "form": "head"},
        {
            "directionality": (
                "Directionality of the query-key form",
                "Below 0 where few dimensions of the key decide what attends to what, above 0 where few of the query.",
            ),
            "symmetry": (
                "Symmetry of the query-key form",
                "1 where x attends to y as y to x, -1 where it is the opposite, 0 for random weights.",
            ),
        },
        reference=0.0,
    ),
    *_series(
        RANK,
        "subspace_directionality",
        "directions",
        {"model": "finetuned", "form": "head"},
        {
            "effective_rank": (
                "Effective rank of the query-key form",
                "How many equal singular values would have the same entropy; at most the width of a head.",
            )
        },
    ),
    *_series(
        RANK,
        "cone_index",
        "0 to 1",
        {"site": "head", "axis": "tokens", "variant": "all"},
        {
            "R": (
                "Cone index R of the head's output",
                "Norm of the mean of the tokens' unit vectors: 1 where all point one way.",
            )
        },
    ),
    *(
        Statistic(
            f"head_ablation.{mode}.{name}",
            "Effect",
            f"Ablation: {title} with {words} in its place",
            unit,
            f"Change of {meaning} on test sequences when {words} stands in the head's place: below 0 where the model "
            "needs the head.",
            "head_ablation",
            {"variant": mode, "site": "head", "statistic": name},
            reference=0.0,
        )
        for mode, words in MODES.items()
        for name, title, unit, meaning in [
            ("d_log_probability", "log-probability", "nats", "the mean log-probability of the true class"),
            ("d_accuracy", "accuracy", "share of sequences", "accuracy"),
            ("d_macro_f1", "macro F1", "0 to 1", "the mean F1 of the classes"),
        ]
    ),
    *(
        Statistic(
            f"mutation_patching.{at}",
            "Effect",
            f"Patching: what the head's output at {words} restores of a mutation",
            "part of the effect",
            f"Sequences of the class are read without a mutation, but for the head's output at {words}, which is as "
            "with it: 1 where all of the mutation's effect on the logit comes back, 0 where none does. Mean over the "
            "mutations that were patched.",
            "mutation_patching",
            {
                "against": "all",
                "mutation": "all",
                "site": "head",
                "at": at,
                "direction": "denoise",
                "statistic": "effect",
            },
            reference=0.0,
        )
        for at, words in (("cls", "[CLS]"), ("slot", "the mutation's slots"))
    ),
    *_series(
        SHIFT,
        "attention_shift",
        "cosine",
        {"against": "pretrained"},
        {
            "cosine": (
                "Shift: cosine of the maps before and after",
                "Of the maps of the pre-trained and the fine-tuned model, on the same sequences: 1 is no change.",
            )
        },
    ),
    *_series(
        SHIFT,
        "attention_shift",
        "bits",
        {"against": "pretrained"},
        {
            "js": (
                "Shift: Jensen-Shannon divergence",
                "Of the rows of the maps before and after: 0 for equal ones, 1 where they share no key.",
            )
        },
    ),
    *_series(
        SHIFT,
        "attention_shift",
        "relative to the size before",
        {"against": "pretrained"},
        {"weight_change": ("Shift: change of the weights", "How far the query and key weights moved.")},
    ),
    *(
        Statistic(
            f"norms.{site}",
            "Norms",
            f"Norm of the {words}",
            "norm",
            "Averaged over the tokens, [CLS] and [SEP] among them.",
            "vector_norms",
            {"site": site, "variant": "all", "statistic": "mean"},
        )
        for site, words in {"Q": "queries", "K": "keys", "V": "values", "Z": "outputs"}.items()
    ),
]

CONE, ISOTROPY, NORMS, CLASSES = "Cone index", "Isotropy", "Norms", "Separability of the classes"
POOLED = {"scope": "pooled"}
OF_LAYERS = [
    *(
        Statistic(
            f"cone.{site}",
            CONE,
            f"R of the {title}",
            "R, 0 to 1",
            "Norm of the mean of a sequence's unit vectors: 1 where all point one "
            "way. Random directions do not give 0, but about 1 over the root of their number.",
            "cone_index",
            {"site": site, "axis": "tokens", "variant": "all", "statistic": "R"},
        )
        for site, title in {
            "output": "block's output",
            "input": "block's input",
            "concat": "heads side by side",
            "attn_out": "attention's output",
        }.items()
    ),
    Statistic(
        "cone.cls",
        CONE,
        "R of [CLS] over the sequences",
        "R, 0 to 1",
        "The same of one vector a sequence, that of [CLS]; it depends on the number of sequences: compare layers, not "
        "classes.",
        "cone_index",
        {"site": "cls", "axis": "sequences", "variant": "all", "statistic": "R"},
    ),
    *_series(
        ISOTROPY,
        "isotropy",
        "cosine",
        POOLED,
        {"mean_cosine": ("Mean cosine", "Of two k-mers of different sequences; 0 where directions are random.")},
        reference=0.0,
    ),
    *_series(
        ISOTROPY,
        "isotropy",
        "0 to 1",
        POOLED,
        {
            "isoscore": ("IsoScore", "1 where the variance is the same in all directions, 0 where all lies on a line."),
            "top1_variance": ("First principal component", "Its share of the variance of the k-mers' vectors."),
        },
    ),
    *_series(
        ISOTROPY,
        "isotropy",
        "dimensions",
        POOLED,
        {"id": ("Intrinsic dimension", "From the distances of each vector to its two nearest (TwoNN).")},
    ),
    *(
        Statistic(
            f"norms.{name}",
            NORMS,
            title,
            "norm",
            meaning + " LayerNorm gives nearly all the same, about the root of the width.",
            "vector_norms",
            {"site": "X", "variant": "all", "head": "", "statistic": name},
        )
        for name, title, meaning in [
            ("mean", "Norm of a block's inputs", "Averaged over the tokens."),
            ("sd", "Spread of the norms of a block's inputs", "Standard deviation over the tokens."),
        ]
    ),
    *(
        Statistic(
            f"separability.{site}.{name}",
            CLASSES,
            f"{title}, {words}",
            unit,
            meaning,
            "clustering",
            {"site": site, "method": method, "statistic": name},
        )
        for name, method, title, unit, meaning in [
            (
                "accuracy",
                "neighbours",
                "Nearest are of the class",
                "share of sequences",
                "Sequences whose nearest neighbours are mostly of their class. At layer 0 [CLS] is the same in all.",
            ),
            (
                "silhouette",
                "classes",
                "Silhouette",
                "-1 to 1",
                "High where a class is tight and far from the next, below 0 where another is nearer.",
            ),
        ]
        for site, words in (("cls", "[CLS]"), ("kmers", "mean k-mer"))
    ),
]

GATES = ("vertical", "self", "diag", "bwd", "fwd", "cluster", "instance", "diffuse", "sink")
# Statistics that are measured along the training too, by their keys: the labels of their rows in its tables.
ALONG = (
    {f"attention_gates.{name}": {"statistic": name} for name in GATES}
    | {
        f"subspace_directionality.{name}": {"statistic": name}
        for name in ("directionality", "symmetry", "effective_rank")
    }
    | {f"isotropy.{name}": {"statistic": name} for name in ("mean_cosine", "isoscore", "id")}
    | {f"separability.{site}.accuracy": {"statistic": "neighbours", "site": site} for site in ("cls", "kmers")}
    | {f"separability.{site}.silhouette": {"statistic": "silhouette", "site": site} for site in ("cls", "kmers")}
    | {"role": {"statistic": "share"}, "attention_entropy.H_norm": {"statistic": "H_norm"}}
    | {"cone.output": {"statistic": "R", "site": ""}}
)
READERS = "What is read out of a layer"
# Of these the atlas has no view; a comparison of runs shows them.
OF_READERS = [
    *_series(
        READERS,
        "token_accuracy",
        "share of k-mers",
        {"span": "1", "targets": "masked", "reader": "block"},
        {
            "micro_gain": (
                "Hidden k-mers read right, less the commonest of the slot",
                "By a probe of the pre-trained model's block, against who names the commonest training k-mer.",
            ),
            "micro_differing": (
                "Hidden k-mers read right where they are not the commonest",
                "By a probe of the pre-trained model's block.",
            ),
        },
        reference=0.0,
    ),
    *(
        Statistic(
            f"layer_probes.{representation}.{readout}",
            READERS,
            f"Class read from {words} by {by}",
            "accuracy",
            "Share of the test sequences that a probe, fitted on the training split, classifies correctly.",
            "layer_probes",
            {"set": "test", "representation": representation, "readout": readout, "statistic": "accuracy"},
        )
        for representation, readout, words, by in [
            ("cls", "linear", "[CLS]", "a linear probe"),
            ("cls", "head", "[CLS]", "the classifier's head"),
            ("kmers", "linear", "the mean k-mer", "a linear probe"),
        ]
    ),
]


def domain_statistics(table: pd.DataFrame) -> list[Statistic]:
    """Enrichment and share of the attention to each domain in the table of attention_domains."""
    texts = {
        "log2_enrichment": (
            "Attention to {} against its share of the protein",
            "log2 fold change",
            "Share of the k-mers' attention that goes to {}, against the share of the k-mers that lie in it: 0 where "
            "both are equal, 1 where attention is twice as much, -1 where it is half.",
            0.0,
        ),
        "share": (
            "Attention to {}",
            "share of attention",
            "Share of the k-mers' attention that goes to {}.",
            None,
        ),
    }
    return [
        Statistic(
            f"{name}.{domain}",
            "Domains",
            title.format(domain),
            unit,
            meaning.format(domain),
            "attention_domains",
            KMERS | {"domain": domain, "statistic": name},
            reference,
        )
        for name, (title, unit, meaning, reference) in texts.items()
        for domain in dict.fromkeys(table["domain"])
    ]
