"""When a classifier of a closed set of classes should abstain: a score of its outputs, and thresholds on it.

The probabilities of a closed set of classes sum to 1 whatever the genome, so a genome of none of them is called
something. A score says how much a genome looks like any of the classes: the largest probability (Hendrycks and Gimpel,
arXiv 1610.02136); the energy (Liu et al., arXiv 2010.03759); and, in the space of [CLS], the Mahalanobis distance to
the nearest class (Lee et al., arXiv 1807.03888) and the distance to near training sequences (Sun et al., arXiv
2204.06507). The sign is always that by which genomes of the classes have more. The first two are of logits divided by a
temperature (Guo et al., arXiv 1706.04599, section 4.2). Temperature and thresholds are fitted on the validation split,
with its background genomes where the run has any.
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
DISTANCES = ("mahalanobis", "neighbours")
# A class with fewer validation sequences has the threshold that all classes together give.
FEWEST = 3


@dataclass(frozen=True)
class Outputs:
    """What the network says of n genomes: logits (n, K), and DISTANCES (n, 2) in the space of [CLS]."""

    logits: np.ndarray
    distances: np.ndarray

    def __len__(self) -> int:
        return len(self.logits)

    def where(self, rows: np.ndarray) -> "Outputs":
        """The outputs that `rows` (n,), true or false or numbers, picks."""
        return Outputs(self.logits[rows], self.distances[rows])

    @classmethod
    def joined(cls, parts: list["Outputs"]) -> "Outputs":
        """Several, one after the other."""
        return cls(np.concatenate([part.logits for part in parts]), np.concatenate([part.distances for part in parts]))

    @classmethod
    def of_table(cls, predictions: pd.DataFrame, classes: list[str]) -> "Outputs":
        """The columns `logit_<class>` and the distances of a table of predictions, float64."""
        logits = predictions[[f"logit_{name}" for name in classes]].to_numpy(np.float64)
        return cls(logits, predictions[list(DISTANCES)].to_numpy(np.float64))


def max_softmax(outputs: Outputs, temperature: float) -> np.ndarray:
    """Largest class probability (n,)."""
    return softmax(outputs.logits / temperature, axis=1).max(axis=1)


def energy(outputs: Outputs, temperature: float) -> np.ndarray:
    """Negative free energy (n,), in units of logits: a smooth maximum of them."""
    return temperature * logsumexp(outputs.logits / temperature, axis=1)


def mahalanobis(outputs: Outputs, temperature: float) -> np.ndarray:
    """Negative Mahalanobis distance (n,) to the nearest class; it has no temperature."""
    return -outputs.distances[:, 0]


def neighbours(outputs: Outputs, temperature: float) -> np.ndarray:
    """Negative distance (n,) to near training sequences; it has no temperature."""
    return -outputs.distances[:, 1]


SCORES = {"energy": energy, "max_softmax": max_softmax, "mahalanobis": mahalanobis, "neighbours": neighbours}


@dataclass(frozen=True)
class Abstention:
    """A rule that abstains from a genome whose score is under the threshold of the class that it would be called.

    classes: those of the logits, in their order; score: a key of SCORES; thresholds (K,); keep: the least share of a
    class's validation sequences that its threshold keeps; counts (K,): the distinct ones of each class that are
    correctly classified, under FEWEST of which all classes together give the threshold; background: the distinct
    background genomes that took part.
    """

    classes: list[str]
    temperature: float
    score: str
    thresholds: list[float]
    keep: float
    counts: list[int]
    background: int

    def scores(self, outputs: Outputs) -> np.ndarray:
        """Score (n,)."""
        return SCORES[self.score](outputs, self.temperature)

    def margins(self, outputs: Outputs) -> np.ndarray:
        """Score less the threshold of the most probable class (n,)."""
        return self.scores(outputs) - np.array(self.thresholds)[outputs.logits.argmax(axis=1)]

    def abstains(self, outputs: Outputs) -> np.ndarray:
        """Whether (n,) the rule abstains."""
        return self.margins(outputs) < 0


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


def fit_threshold(scores: np.ndarray, background: np.ndarray, keep: float) -> float:
    """The threshold for a class whose sequences have `scores` (n,), where background genomes have `background` (m,).

    The largest that at least the share `keep` of the class reaches, but no more than half way between the medians of
    the class and of the background. Medians, because some lineages of no class share most of a class's mutations.
    """
    # Rounded, because 1 - 0.95 is a little more than 0.05 to a computer, and less for other shares.
    below = int(np.floor(round((1 - keep) * len(scores), 9)))
    kept = float(np.sort(scores)[below])
    return min(kept, float(np.median(scores) + np.median(background)) / 2) if len(background) else kept


def fit_abstention(
    classes: list[str],
    known: Outputs,
    labels: np.ndarray,
    background: Outputs,
    score: str,
    keep: float,
    temperature: float | None = None,
) -> Abstention:
    """The rule that fits distinct sequences of the classes with `labels` (n,), and distinct background genomes.

    Fits the temperature if none is given. Raises InputError where there is no sequence.
    """
    if not len(known):
        raise InputError(
            "The validation split has no sequence to fit a temperature and thresholds on.\nRaise split.validation."
        )
    temperature = temperature or fit_temperature(known.logits, labels)
    scores, others = (SCORES[score](outputs, temperature) for outputs in (known, background))
    called = np.where(known.logits.argmax(axis=1) == labels, labels, -1)
    members = [scores[called == number] for number in range(len(classes))]
    thresholds = [fit_threshold(own if len(own) >= FEWEST else scores, others, keep) for own in members]
    counts = [len(own) for own in members]
    return Abstention(list(classes), float(temperature), score, thresholds, keep, counts, len(background))


def threshold_table(rule: Abstention) -> pd.DataFrame:
    """Threshold of each class: class, score, temperature, threshold, n, fitted_on (the class or all classes),
    background."""
    own = [count >= FEWEST for count in rule.counts]
    return pd.DataFrame(
        {
            "class": rule.classes,
            "score": rule.score,
            "temperature": rule.temperature,
            "threshold": rule.thresholds,
            "n": rule.counts,
            "fitted_on": ["the class" if enough else "all classes" for enough in own],
            "background": rule.background,
        }
    )


def write_abstention(rule: Abstention, path: str | os.PathLike) -> None:
    """Write a rule as JSON; read again, it abstains from the same genomes."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(asdict(rule), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_abstention(path: str | os.PathLike) -> Abstention:
    """The rule that `write_abstention` wrote."""
    return Abstention(**json.loads(Path(path).read_text(encoding="utf-8")))
