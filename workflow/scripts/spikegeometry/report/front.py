"""What a reader must know first: whether the network learnt its task, and how it stands beside the linear baseline."""

import re

import pandas as pd

from spikegeometry.figures.style import model_look

LINEAR = "kmer_logistic"
SIMPLE = (LINEAR, "nearest_neighbour")
# Accuracy of the simple models from which on a task tells nothing, and distinct test sequences that are few.
SATURATED, FEW = 0.995, 100


def warning(tries: pd.DataFrame) -> str:
    """One sentence where the network has not learnt the task, else "".

    `tries`: the table of `model.finetuning.finetune`; the chosen row is that of the run's model.
    """
    chosen = tries[tries["chosen"] == "yes"].iloc[0]
    if chosen["learnt"] == "yes":
        return ""
    what = "a single try" if len(tries) == 1 else f"the best of {len(tries)} tries"
    return (
        f"The network has not learnt the task, so its answers and its geometry mean little: {what} classifies "
        f"{chosen['accuracy']:.1%} of {chosen['n']} distinct validation sequences correctly, the linear baseline "
        f"{chosen['baseline_accuracy']:.1%} (p = {chosen['p']:.2g})."
    )


def cautions(tries: pd.DataFrame, metrics: pd.DataFrame, splits: pd.DataFrame, source: str) -> list[str]:
    """Warnings, a sentence each: of a failed training, simulated genomes, a saturated task, few sequences.

    Tables as of `front_page`; `source` is the type of the run's genomes.
    """
    rows = metrics[(metrics["set"] == "test") & (metrics["metric"] == "accuracy")].set_index("model")["value"]
    simple = {model_look(name).name: rows[name] for name in SIMPLE if name in rows and rows[name] >= SATURATED}
    distinct = int(splits.loc[splits["split"] == "test", "haplotypes"].sum())
    said = [
        warning(tries),
        "The model was trained on simulated genomes: what it shows says that the workflow works, and nothing about "
        "the virus."
        if source == "simulate"
        else "",
        f"The task is saturated: {' and '.join(simple)} classify at least {min(simple.values()):.1%} of the test split "
        "correctly, so that accuracy says nothing for the network."
        if len(simple) == len(SIMPLE)
        else "",
        f"The test split has only {distinct} distinct sequences, so that all intervals are wide."
        if distinct < FEW
        else "",
    ]
    return [text for text in said if text]


def about_model(
    counts: pd.DataFrame,
    splits: pd.DataFrame,
    metrics: pd.DataFrame,
    abstention: pd.DataFrame,
    tries: pd.DataFrame,
    source: str,
    classes: list[str],
) -> dict[str, list[str]]:
    """What goes with a model to where it is used: classes, `cautions`, and sentences on what it learnt and how well.

    Tables as of `front_page`.
    """
    external = [of_set(metrics, name) for name in dict.fromkeys(metrics["set"]) if name not in ("test", "validation")]
    return {
        "classes": classes,
        "cautions": cautions(tries, metrics, splits, source),
        "sentences": [
            what_went_in(counts, splits),
            comparison(metrics),
            *filter(None, external),
            out_of_class(abstention),
        ],
    }


def comparison(metrics: pd.DataFrame) -> str:
    """A sentence on the test split: accuracy of BERT less that of the linear baseline, with its paired interval."""
    rows = metrics[(metrics["set"] == "test") & (metrics["metric"] == "accuracy")].set_index("model")
    bert, linear = rows.loc["bert"], rows.loc[LINEAR]
    interval = ""
    if pd.notna(linear["bert_less_low"]):
        interval = f" [{linear['bert_less_low']:+.3f}, {linear['bert_less_high']:+.3f}]"
    return (
        f"On the test split the accuracy of BERT less that of a linear model on the same k-mers is "
        f"{linear['bert_less']:+.3f}{interval}: {bert['value']:.3f} against {linear['value']:.3f}, "
        f"n = {bert['n']:.0f} sequences (paired bootstrap over distinct sequences)."
    )


def front_page(
    counts: pd.DataFrame,
    splits: pd.DataFrame,
    metrics: pd.DataFrame,
    abstention: pd.DataFrame,
    findings: pd.DataFrame,
    tries: pd.DataFrame,
    leakage: pd.DataFrame,
    source: str,
    template: str,
) -> str:
    """The report's first page in reStructuredText: what the run found, then the template, which says what it is.

    The tables are those of genomes/counts.tsv, dataset/split_sizes.tsv, evaluation/metrics.tsv,
    evaluation/abstention.tsv, findings.tsv, of the tries of the run's model and dataset/leakage.tsv; `source` is the
    type of its genomes.
    """
    parts = [
        *(f"**{plain(text)}**" for text in cautions(tries, metrics, splits, source)),
        plain(comparison(metrics)),
        plain(what_went_in(counts, splits)),
        plain(near_to_training(leakage)),
        _table("Accuracy beside the baselines", accuracies(metrics)),
        plain(out_of_class(abstention)),
        verdicts(findings),
        _table("Claims of other work, and this network", claims(findings), figures_of="analysis"),
        template,
    ]
    return "\n\n".join(filter(None, parts))


def of_set(metrics: pd.DataFrame, name: str) -> str:
    """A sentence on BERT's accuracy on a set, beside that of the linear baseline; "" where it has none."""
    rows = metrics[(metrics["set"] == name) & (metrics["metric"] == "accuracy") & metrics["value"].notna()]
    values = rows.set_index("model")
    if "bert" not in values.index:
        return ""
    bert = values.loc["bert"]
    linear = f"; the linear model on k-mers {values.loc[LINEAR, 'value']:.1%}" if LINEAR in values.index else ""
    interval = "" if pd.isna(bert["low"]) else f" [{bert['low']:.1%}, {bert['high']:.1%}]"
    return f"BERT classifies {bert['value']:.1%}{interval} of {bert['n']:.0f} sequences of {name} correctly{linear}."


def learning(tries: pd.DataFrame) -> str:
    """A sentence on the training that was chosen: accuracy on the validation split beside the linear baseline's."""
    chosen = tries[tries["chosen"] == "yes"].iloc[0]
    return (
        f"The chosen of {len(tries)} tries classifies {chosen['accuracy']:.1%} of {chosen['n']:.0f} distinct "
        f"validation sequences correctly, the linear baseline {chosen['baseline_accuracy']:.1%}."
    )


def what_went_in(counts: pd.DataFrame, splits: pd.DataFrame) -> str:
    """Sentences on the genomes: accepted, rejected and why, and in each split."""
    of = counts.groupby("outcome")["n"].sum()
    rejected = of.drop("accepted", errors="ignore").sort_values(ascending=False, kind="stable")
    reasons = ", ".join(f"{n} {reason}" for reason, n in rejected.items())
    why = f" ({reasons})" if reasons else ""
    sizes = splits.groupby("split", sort=False)[["genomes", "haplotypes"]].sum()
    parts = [f"{name} {row['genomes']} ({row['haplotypes']} distinct)" for name, row in sizes.iterrows()]
    return (
        f"{of.get('accepted', 0)} genomes were accepted and {rejected.sum()} rejected{why}. "
        f"Gene sequences by split: {', '.join(parts)}."
    )


def near_to_training(leakage: pd.DataFrame) -> str:
    """How much of the test split has its like in the training split."""
    rows = leakage[leakage["pair"].eq("train-test") & leakage["class"].ne("all")]
    if rows.empty:
        return ""
    of = rows.groupby("statistic")["value"].sum()
    total = rows[rows["statistic"] == "hamming_0"]["n"].sum()
    near = of.get("hamming_0", 0) + of.get("hamming_1", 0)
    return (
        f"Of {total:.0f} test genomes {of.get('hamming_0', 0):.0f} are in the training split base by base, and "
        f"{near:.0f} are there with at most one difference: of genomes unlike those the score says less."
    )


def accuracies(metrics: pd.DataFrame) -> pd.DataFrame:
    """Accuracy of BERT and the baselines on each set with known classes that nothing was chosen on, with intervals.

    Beside each stands the accuracy of BERT less its own.
    """
    told = (metrics["metric"] == "accuracy") & metrics["value"].notna() & (metrics["set"] != "validation")
    rows = metrics[told]
    return pd.DataFrame(
        {
            "set": rows["set"],
            "model": [model_look(name).name for name in rows["model"]],
            "accuracy": [with_interval(*row) for row in rows[["value", "low", "high"]].to_numpy(float)],
            "BERT less it": [
                with_interval(value, low, high, sign="+")
                for value, low, high in rows[["bert_less", "bert_less_low", "bert_less_high"]].to_numpy(float)
            ],
            "n": [f"{n:.0f}" for n in rows["n"]],
        }
    )


def out_of_class(abstention: pd.DataFrame) -> str:
    """A sentence on what the classifier abstains from, by the score that is used; "" where no set tells."""
    told = {
        "coverage": "of the sequences of the classes are kept",
        "accuracy_kept": "of those kept are classified correctly",
        "coverage_other": "of those of no class are given one",
    }
    used = abstention[(abstention["used"] == "yes") & abstention["metric"].isin(told) & abstention["value"].notna()]
    parts = [
        f"{row.set}: {with_interval(row.value, row.low, row.high)} {told[row.metric]}"
        for row in used[used["set"] != "validation"].itertuples()
    ]
    return f"Abstention: {'; '.join(parts)}." if parts else ""


def verdicts(findings: pd.DataFrame) -> str:
    """A sentence on how many claims have which verdict."""
    counts = findings["verdict"].value_counts()
    said = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    return (
        f"Of {len(findings)} statistics on claims of other work: {said}. Unspecific are those that an untrained "
        "network shows too; seeds is the number of trainings that support a claim."
        if len(findings)
        else ""
    )


def claims(findings: pd.DataFrame) -> pd.DataFrame:
    """The findings with what a reader needs first."""
    interval = ["value", "low", "high"]
    return pd.DataFrame(
        {
            "analysis": findings["analysis"],
            "claim": findings["claim"],
            "verdict": findings["verdict"],
            "value": [with_interval(*row) for row in findings[interval].to_numpy(float)],
            "untrained": [
                with_interval(*row) for row in findings[[f"untrained_{name}" for name in interval]].to_numpy(float)
            ],
            "seeds": findings["seeds"],
        }
    )


def with_interval(value: float, low: float, high: float, sign: str = "") -> str:
    """A value with its interval as text; "" where there is no value."""
    if pd.isna(value):
        return ""
    form = f"{sign}.3f" if sign else ".3g"
    return f"{value:{form}}" + ("" if pd.isna(low) else f" [{low:{form}}, {high:{form}}]")


def plain(text: str) -> str:
    """Text in which neither Jinja, which reads the page first, nor reStructuredText finds markup."""
    return re.sub(r"[{}]", lambda brace: f"{{{{ '{brace[0]}' }}}}", unmarked(text))


def unmarked(text: str) -> str:
    """Text in which reStructuredText finds no markup; Jinja may."""
    return re.sub(r"([\\*`|_:<>\[\]])", r"\\\1", str(text))


def _table(title: str, table: pd.DataFrame, figures_of: str = "") -> str:
    """A table with a title, its cells as they stand; "" where it has no row.

    Cells of the column `figures_of` are names of analyses, and lead to their figures.
    """
    if table.empty:
        return ""
    rows = [list(map(plain, table.columns))]
    for row in table.itertuples(index=False):
        named = zip(table.columns, row, strict=True)
        rows.append(
            [
                f"`{plain(cell)} <geometry/{cell}.svg>`__" if column == figures_of else plain(cell)
                for column, cell in named
            ]
        )
    cells = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    return "\n".join([f".. csv-table:: {title}", "   :header-rows: 1", "", *(f"   {row}" for row in cells)])
