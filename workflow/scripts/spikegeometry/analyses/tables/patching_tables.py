"""Tables of what patches and cuts do, and what they say to claims about attention."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from spikegeometry.analyses.tables.mutation_pairs import REFERENCE, is_named
from spikegeometry.geometry.mutation_patching import HEAD, RESIDUAL, TO_CLS, TO_OTHERS
from spikegeometry.geometry.ranks import rank_correlation
from spikegeometry.stats.findings import Finding, Side, mean_finding
from spikegeometry.stats.resampling import estimates
from spikegeometry.stats.summaries import ALL_CLASSES

RUNS = ["class", "against", "mutation"]
PLACES = ["site", "at", "layer", "head", "direction", "statistic"]
# Of a run of mutations, and of it in one sequence: where it lies in the protein and in the k-mers (1-based, both ends),
# the sequence (input: a number, equal for equal ones), the change of the score when it is put back, and why it does not
# count, or "".
ABOUT = [*RUNS, "first_residue", "last_residue", "first_slot", "last_slot", "patched"]
CASES = [*ABOUT, "sequence", "input", "change", "reason"]
EFFECTS = [*RUNS, *PLACES, "input", "value"]
# Tokens: of the mutation, of slots like them, [CLS], and all others.
SLOT, MATCHED, AT_CLS, OTHERS = "slot", "matched", "cls", "others"
DENOISE, NOISE, CUT = "denoise", "noise", "cut"
# An effect from which most of a mutation is at a place.
MOST = 0.5
SIGNED = (-1.0, 1.0)
QUESTION = "this workflow's question"
JAIN = "Jain and Wallace 2019, arXiv 1902.10186"
WIEGREFFE = "Wiegreffe and Pinter 2019, arXiv 1908.04626"
# Methods of `attributions` that say which k-mers count, in words.
METHODS = {
    "attention": "attention of [CLS] in the last layer",
    "rollout": "rollout from [CLS]",
    "gradients_reference": "integrated gradients from the reference",
}


def score_weights(own: str, other: str, classes: Sequence[str]) -> np.ndarray:
    """Weights (K,) of the logits in the score of a pair: the class's logit less the other's.

    REFERENCE is no class: for it the mean of all other classes' logits is subtracted.
    """
    weights = np.array([1.0 if name == own else -1 / (len(classes) - 1) for name in classes])
    if other != REFERENCE:
        weights = np.array([float(name == own) - float(name == other) for name in classes])
    return weights


def chosen_mutations(cases: Sequence[dict[str, Any]], named: Sequence[str], most: int) -> list[str]:
    """The runs of mutations of a pair of classes that are patched: those `named`, then those of the largest change.

    `cases`: mutation, change and reason, as CASES; runs of which no case counts are left out.
    """
    changes: defaultdict[str, list[float]] = defaultdict(list)
    for case in cases:
        if not case["reason"]:
            changes[case["mutation"]].append(case["change"])
    size = {name: abs(float(np.mean(values))) for name, values in changes.items()}
    return sorted(size, key=lambda name: (not is_named(name, named), -size[name]))[:most]


def mutation_table(cases: pd.DataFrame, samples: int, confidence: float, seed: int) -> pd.DataFrame:
    """Of each run of mutations: how the score changes when it is put back, and how many sequences tell.

    `cases` has CASES. Columns: ABOUT; change (mean, the clean score less the corrupted one, however small) with low and
    high, n (distinct sequences), and left_out, the numbers of sequences that do not count, by reason.
    """
    rows = []
    for labels, several in cases.groupby(ABOUT, sort=False):
        told = several[several["change"].notna()]
        change, groups = told["change"].to_numpy(float), told["input"].to_numpy()
        found = mean_estimates(change[:, None], groups, samples, confidence, seed)[0] if len(told) else [np.nan] * 3
        reasons = several.loc[several["reason"] != "", "reason"].value_counts()
        text = "; ".join(f"{n} {reason}" for reason, n in reasons.items())
        rows.append((*labels, *found, told["input"].nunique(), text))
    return pd.DataFrame(rows, columns=[*ABOUT, "change", "low", "high", "n", "left_out"])


def mean_estimates(
    values: np.ndarray, groups: np.ndarray, samples: int, confidence: float, seed: int
) -> list[tuple[float, float, float]]:
    """Mean of each column of values (n, P), low and high over resampled groups (n,); what is NaN is left out."""
    known, filled = np.isfinite(values), np.nan_to_num(values)

    def means(weights: np.ndarray) -> dict[int, np.ndarray]:
        with np.errstate(invalid="ignore"):
            return dict(enumerate(((weights @ filled) / (weights @ known)).T))

    found = estimates(means, groups, samples, confidence, seed)
    return [found[number] for number in range(values.shape[1])]


def effect_table(effects: pd.DataFrame, samples: int, confidence: float, seed: int) -> pd.DataFrame:
    """Mean of each effect over the pairs of sequences of each run, of each class, and of all.

    `effects` has EFFECTS, a row for each pair of sequences and place. Columns: RUNS, PLACES, value, n (distinct
    sequences), low and high: percentiles over resampled sequences, missing for one. The rows of a class have
    ALL_CLASSES in place of the mutation and of what it is held against. A layer is missing where all are meant, and a
    head of what has none.
    """
    overall = effects.assign(against=ALL_CLASSES, mutation=ALL_CLASSES)
    tables = []
    for several in (effects, overall, overall.assign(**{"class": ALL_CLASSES})):
        for labels, rows in several.groupby(RUNS, sort=False):
            wide = rows.pivot_table(index="pair", columns=PLACES, values="value", sort=False)
            groups = rows.groupby("pair")["input"].first().loc[wide.index].to_numpy()
            found = mean_estimates(wide.to_numpy(), groups, samples, confidence, seed)
            table = wide.columns.to_frame(index=False)
            table[["value", "low", "high"]] = found
            tables.append(table.assign(n=len(np.unique(groups)), **dict(zip(RUNS, labels, strict=True))))
    columns = [*RUNS, *PLACES, "value", "n", "low", "high"]
    table = pd.concat([pd.DataFrame(columns=columns), *tables], ignore_index=True)[columns]
    numbers = table[["layer", "head"]].astype(float)
    return table.assign(
        layer=numbers["layer"].where(numbers["layer"] > 0), head=numbers["head"].where(numbers["head"] > 0)
    )


def of_place(table: pd.DataFrame, site: str, at: str, direction: str, statistic: str = "effect") -> pd.DataFrame:
    """Rows of an `effect_table` at one kind of place."""
    wanted = {"site": site, "at": at, "direction": direction, "statistic": statistic}
    chosen = np.logical_and.reduce([table[name] == value for name, value in wanted.items()])
    return table[chosen]


def readout_table(table: pd.DataFrame) -> pd.DataFrame:
    """Where each run of mutations is read, and where it is written into [CLS].

    Columns: RUNS and n; slot_until, the last layer that the mutation enters mostly (MOST of the effect, denoised) at
    its slots, and cls_from, the first that it enters mostly at [CLS] (missing where there is none); layer and head of
    the head with the largest effect at [CLS] (denoised), with effect, low and high, noise (its effect the other way),
    and attention (of [CLS] there to the slots); by_cls and by_others, what is lost where the slots are hidden from
    [CLS], or from all other tokens, in all layers, and the first of matched slots.
    """
    rows = []
    for labels, several in table[table["mutation"] != ALL_CLASSES].groupby(RUNS, sort=False):
        row = dict(zip(RUNS, labels, strict=True)) | {"n": several["n"].max()}
        for name, at, end in (("slot_until", SLOT, "max"), ("cls_from", AT_CLS, "min")):
            stream = of_place(several, RESIDUAL, at, DENOISE)
            row[name] = stream.loc[stream["value"] >= MOST, "layer"].agg(end)
        heads = of_place(several, HEAD, AT_CLS, DENOISE)
        best = heads.loc[heads["value"].idxmax()]
        row |= best[["layer", "head", "low", "high"]].to_dict() | {"effect": best["value"]}
        for name, at, direction, statistic in (
            ("noise", AT_CLS, NOISE, "effect"),
            ("attention", SLOT, "", "attention"),
        ):
            of_heads = of_place(several, HEAD, at, direction, statistic).set_index(["layer", "head"])["value"]
            row[name] = of_heads[best["layer"], best["head"]]
        for name, site, at in (
            ("by_cls", TO_CLS, SLOT),
            ("by_others", TO_OTHERS, SLOT),
            ("by_cls_matched", TO_CLS, MATCHED),
        ):
            row[name] = _in_all_layers(several, site, at)
        rows.append(row)
    columns = ["slot_until", "cls_from", "layer", "head", "effect", "low", "high", "noise", "attention"]
    columns = [*RUNS, "n", *columns, "by_cls", "by_others", "by_cls_matched"]
    return pd.DataFrame(rows, columns=columns)


def _in_all_layers(table: pd.DataFrame, site: str, at: str) -> float:
    rows = of_place(table, site, at, CUT)
    return rows.loc[rows["layer"].isna(), "value"].mean()


def attributed(path: str | Sequence, coordinates: str) -> tuple[pd.DataFrame | None, str]:
    """Class means of `attributions` of every k-mer, and why there are none: no path, or other slots than the gene's."""
    if not path:
        return None, "not compared: the analysis attributions is not active"
    if coordinates == "native":
        return None, "not compared: in native coordinates attributions are not of the gene's slots"
    return pd.read_parquet(str(path)), ""


def agreement_table(table: pd.DataFrame, mutations: pd.DataFrame, tokens: pd.DataFrame | None) -> pd.DataFrame:
    """How far attention and attributions rank what counts as patches do: Spearman's correlations.

    `heads`, by mutation: over the heads, what [CLS] pays its slots against the effect at [CLS] (denoised). Each of
    METHODS, by class against REFERENCE: over its mutations, the values of their slots together in `tokens` (of
    `attributed`) against the change of the score. Columns: class, against, mutation, method, value, n (heads or
    mutations).
    """
    rows = []
    for labels, several in table[table["mutation"] != ALL_CLASSES].groupby(RUNS, sort=False):
        at = ["layer", "head"]
        effect, paid = (
            rows_of.set_index(at)["value"].sort_index()
            for rows_of in (of_place(several, HEAD, AT_CLS, DENOISE), of_place(several, HEAD, SLOT, "", "attention"))
        )
        rows.append((*labels, "heads", _spearman(paid, effect), len(effect)))
    columns = [*RUNS, "method", "value", "n"]
    if tokens is None:
        return pd.DataFrame(rows, columns=columns)
    known = mutations[mutations["change"].notna() & (mutations["against"] == REFERENCE)]
    for name, several in known.groupby("class", sort=False):
        own = tokens[(tokens["class"] == name) & (tokens["statistic"] == "attribution")]
        for method in METHODS:
            by_token = own[own["method"] == method].set_index("token")["value"]
            if len(by_token):
                slots = zip(several["first_slot"], several["last_slot"], strict=True)
                values = [by_token.loc[first:last].sum() for first, last in slots]
                rows.append((name, REFERENCE, ALL_CLASSES, method, _spearman(values, several["change"]), len(several)))
    return pd.DataFrame(rows, columns=columns)


def _spearman(one, other) -> float:
    return float(rank_correlation(np.asarray(one, float), np.asarray(other, float)))


def patching_findings(table: pd.DataFrame, agreement: pd.DataFrame, compared: str, confidence: float) -> list[Finding]:
    """Claims on the path of mutations, and on attention as explanation.

    The unit is the pair of a class and what it is held against: the mean over its mutations. `compared` says of the
    methods why they are not compared, where they are not.
    """
    of_runs = table[table["mutation"] != ALL_CLASSES]
    runs = dict(list(of_runs.groupby(RUNS, sort=False)))

    def by_pair(values: dict[tuple, float]) -> pd.Series:
        series = pd.Series(values, dtype=float)
        return series.groupby(level=[0, 1]).mean() if len(series) else series

    direct = by_pair({labels: _in_all_layers(rows, TO_CLS, SLOT) for labels, rows in runs.items()})
    matched = by_pair({labels: _in_all_layers(rows, TO_CLS, MATCHED) for labels, rows in runs.items()})
    one_head = by_pair({labels: _best_head(rows) for labels, rows in runs.items()})
    cut = "share of a mutation's effect on the score that is gone where its slots are hidden from [CLS] in all layers"
    findings = [
        mean_finding(
            QUESTION,
            "Mutations reach [CLS] by attention to their own slots.",
            f"{cut}, less that of matched slots",
            direct - matched,
            "above",
            0.0,
            confidence,
        ),
        mean_finding(
            QUESTION, "Mutations reach [CLS] mostly straight from their slots.", cut, direct, "above", MOST, confidence
        ),
        mean_finding(
            QUESTION,
            "One head writes most of a mutation into [CLS].",
            "share of the effect that the output of one head at [CLS] restores and destroys, the lesser of both",
            one_head,
            "above",
            MOST,
            confidence,
        ),
    ]
    asked = {"heads": "over heads, of what [CLS] pays a mutation's slots with what the head's output at [CLS] restores"}
    asked |= {name: f"over a class's mutations, of {words} with their effect" for name, words in METHODS.items()}
    for method, words in asked.items():
        rows = agreement[agreement["method"] == method]
        values = rows.groupby(["class", "against"])["value"].mean()
        statistic = f"Spearman's correlation {words}"
        for source, claim, side, bound in _claims(method):
            finding = mean_finding(source, claim, statistic, values, side, bound, confidence, SIGNED)
            findings.append(Finding(**vars(finding) | {"detail": compared if method in METHODS else ""}))
    return findings


def _claims(method: str) -> Iterator[tuple[str, str, Side, float]]:
    """Source, claim, side and bound of what others say of attention, as attention in heads or of a method."""
    if method == "gradients_reference":
        yield JAIN, "Gradients rank inputs as their effect does.", "above", 0.0
        return
    whose = {"heads": " of single heads", "rollout": " followed through all layers"}.get(method, "")
    yield JAIN, f"Attention{whose} is not explanation: it hardly ranks inputs as their effect does.", "below", MOST
    yield WIEGREFFE, f"Attention{whose} ranks inputs by their effect better than chance.", "above", 0.0


def _best_head(rows: pd.DataFrame) -> float:
    """The lesser of what a head's output at [CLS] restores and destroys, of the head where it is most."""
    both = [of_place(rows, HEAD, AT_CLS, way).set_index(["layer", "head"])["value"] for way in (DENOISE, NOISE)]
    return float(pd.concat(both, axis=1).min(axis=1).max())
