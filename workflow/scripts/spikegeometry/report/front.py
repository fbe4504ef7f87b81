"""What a reader must know first: whether the network learnt its task, and how it stands beside the linear baseline."""

import pandas as pd

LINEAR = "kmer_logistic"


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


def front_page(metrics: pd.DataFrame, tries: pd.DataFrame, template: str) -> str:
    """The report's first page in reStructuredText: the sentences above, then the template."""
    warned = warning(tries)
    sentences = [*([f"**{warned}**"] if warned else []), comparison(metrics)]
    return "\n\n".join([*sentences, template])
