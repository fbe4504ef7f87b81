"""When a classifier of a closed set of classes should abstain: a score of its logits, and a threshold on it.

The probabilities of a closed set of classes sum to 1 whatever the genome, so a genome of none of them is called
something. A score says how much a genome looks like any of the classes: the largest probability (Hendrycks and Gimpel,
arXiv 1610.02136), or the energy (Liu et al., arXiv 2010.03759), here with the sign by which known genomes have more.
Both are of logits divided by a temperature (Guo et al., arXiv 1706.04599, section 4.2). Temperature and threshold are
fitted on the validation split: no genome of none of the classes is needed, and none is used.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax

from spikegeometry.errors import InputError
from spikegeometry.tables import atomic_path

# Logarithms of the temperatures that are searched.
LOG_TEMPERATURES = (-5.0, 5.0)


def max_softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Largest class probability (n,) of logits (n, K)."""
    return softmax(logits / temperature, axis=1).max(axis=1)


def energy(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Negative free energy (n,) of logits (n, K), in units of logits: a smooth maximum of them."""
    return temperature * logsumexp(logits / temperature, axis=1)


SCORES = {"energy": energy, "max_softmax": max_softmax}


@dataclass(frozen=True)
class Abstention:
    """A rule that abstains from a genome whose score is under the threshold.

    classes: those of the logits, in their order; score: a key of SCORES; keep: the least share of the validation
    split's distinct sequences that the threshold keeps, of which there were n.
    """

    classes: list[str]
    temperature: float
    score: str
    threshold: float
    keep: float
    n: int

    def scores(self, logits: np.ndarray) -> np.ndarray:
        """Score (n,) of logits (n, K)."""
        return SCORES[self.score](logits, self.temperature)

    def abstains(self, logits: np.ndarray) -> np.ndarray:
        """Whether (n,) the rule abstains from genomes with logits (n, K)."""
        return self.scores(logits) < self.threshold


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature under which logits (n, K) fit the labels (n,) best.

    Where every sequence is right, likelihood grows without end as the temperature falls, and there is no best one. As
    Platt 1999 did for two classes, the target is therefore not 1 but (n + 1) / (n + 2), the chance that the next
    sequence is right after n right ones, with the rest even over the other classes; for large n that is likelihood.
    """
    n, classes = logits.shape
    right = (n + 1) / (n + 2)
    targets = np.full(logits.shape, (1 - right) / (classes - 1))
    targets[np.arange(n), labels] = right

    def cross_entropy(log_temperature: float) -> float:
        return -(targets * log_softmax(logits / np.exp(log_temperature), axis=1)).sum(axis=1).mean()

    return float(np.exp(minimize_scalar(cross_entropy, bounds=LOG_TEMPERATURES, method="bounded").x))


def fit_threshold(scores: np.ndarray, keep: float) -> float:
    """The largest threshold that at least the share `keep` of the scores (n,) reach."""
    # Rounded, because 1 - 0.95 is a little more than 0.05 to a computer, and less for other shares.
    below = int(np.floor(round((1 - keep) * len(scores), 9)))
    return float(np.sort(scores)[below])


def fit_abstention(
    classes: list[str],
    logits: np.ndarray,
    labels: np.ndarray,
    score: str,
    keep: float,
    temperature: float | None = None,
) -> Abstention:
    """The rule that fits distinct sequences with logits (n, K) and labels (n,); fits the temperature if none is given.

    Raises InputError where there is no sequence.
    """
    if not len(logits):
        raise InputError(
            "The validation split has no sequence to fit a temperature and a threshold on.\nRaise split.validation."
        )
    temperature = temperature or fit_temperature(logits, labels)
    threshold = fit_threshold(SCORES[score](logits, temperature), keep)
    return Abstention(list(classes), temperature, score, threshold, keep, len(logits))


def logits_of(predictions: pd.DataFrame, classes: list[str]) -> np.ndarray:
    """The columns `logit_<class>` of a table of predictions, float64 (n, K)."""
    return predictions[[f"logit_{name}" for name in classes]].to_numpy(np.float64)


def write_abstention(rule: Abstention, path: str | os.PathLike) -> None:
    """Write a rule as JSON; read again, it abstains from the same genomes."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(asdict(rule), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_abstention(path: str | os.PathLike) -> Abstention:
    """The rule that `write_abstention` wrote."""
    return Abstention(**json.loads(Path(path).read_text(encoding="utf-8")))
