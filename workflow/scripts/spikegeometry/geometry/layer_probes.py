"""What class a frozen vector tells: readouts that are fitted on training vectors and chosen by validation vectors.

Two of them: a linear one (multinomial logistic regression, as of Alain and Bengio 2016), and the head that BERT's
classifier has, a dense layer with tanh and a linear one. The vectors of a block stay what the model made them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from torch import Tensor, nn
from torch.nn import functional

from spikegeometry.errors import InputError

# A coordinate varies where its spread exceeds this share of its largest value: float32 noise of a constant does not.
RESOLUTION = 1e-6
# Of the head's training: enough for its loss to pass its lowest on some hundred vectors.
STEPS, LEARNING_RATE, INITIAL_SPREAD = 200, 1e-3, 0.02


@dataclass(frozen=True)
class Vectors:
    """Vectors (n, d) of sequences, and their classes (n,) as numbers from 0."""

    vectors: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class LinearProbe:
    """Logistic regression on standardised coordinates; `penalty` is the C that was chosen."""

    centre: np.ndarray
    scale: np.ndarray
    model: LogisticRegression
    penalty: float
    n_classes: int

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Class probabilities (n, K); 0 for a class that the training vectors lack."""
        found = np.zeros((len(vectors), self.n_classes))
        found[:, self.model.classes_] = self.model.predict_proba((vectors - self.centre) * self.scale)
        return found


def fit_linear(train: Vectors, validation: Vectors, n_classes: int, penalties: Sequence[float]) -> LinearProbe:
    """The probe with the C of `penalties` that has the lowest log loss on the validation vectors.

    Coordinates that do not vary get weight 0: on constant vectors, the probe calls the most frequent class.
    Raises InputError where the training vectors are of one class.
    """
    if len(np.unique(train.labels)) < 2:
        raise InputError("The training split holds sequences of one class alone: there is nothing to tell apart.")
    centre = train.vectors.mean(axis=0, dtype=np.float64)
    spread = train.vectors.std(axis=0, dtype=np.float64)
    varies = spread > RESOLUTION * np.abs(train.vectors).max(axis=0)
    scale = np.where(varies, 1 / np.where(varies, spread, 1), 0)
    probes = []
    for penalty in penalties:
        model = LogisticRegression(C=penalty, max_iter=1000).fit((train.vectors - centre) * scale, train.labels)
        probes.append(LinearProbe(centre, scale, model, penalty, n_classes))
    return min(probes, key=lambda probe: _loss(validation.labels, probe.probabilities(validation.vectors)))


def _loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return log_loss(labels, probabilities, labels=np.arange(probabilities.shape[1]))


@dataclass(frozen=True)
class HeadProbe:
    """The classifier's own head: softmax(C tanh(P x + p) + c)."""

    pooler: tuple[Tensor, Tensor]  # P (d, d), p (d,)
    classifier: tuple[Tensor, Tensor]  # C (K, d), c (K,)

    def logits(self, vectors: Tensor) -> Tensor:
        return functional.linear(torch.tanh(functional.linear(vectors, *self.pooler)), *self.classifier)

    @torch.inference_mode()
    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Class probabilities (n, K)."""
        return self.logits(torch.from_numpy(vectors)).softmax(dim=-1).numpy()


def fit_head(train: Vectors, validation: Vectors, n_classes: int, seed: int) -> HeadProbe:
    """The head after that of STEPS steps of Adam, on all training vectors, with the lowest validation loss.

    Starts as BERT's heads do, from N(0, 0.02) and biases of zero; the same `seed` starts equally for every block.
    """
    width = train.vectors.shape[1]
    generator = torch.Generator().manual_seed(seed)
    shapes = ((width, width), (n_classes, width))
    weights = [nn.Parameter(INITIAL_SPREAD * torch.randn(shape, generator=generator)) for shape in shapes]
    biases = [nn.Parameter(torch.zeros(shape[0])) for shape in shapes]
    probe = HeadProbe(*zip(weights, biases, strict=True))
    optimiser = torch.optim.Adam([*weights, *biases], lr=LEARNING_RATE)
    vectors, labels = torch.from_numpy(train.vectors), torch.from_numpy(train.labels)
    held, held_labels = torch.from_numpy(validation.vectors), torch.from_numpy(validation.labels)
    lowest = np.inf
    best: list[Tensor] = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        functional.cross_entropy(probe.logits(vectors), labels).backward()
        optimiser.step()
        with torch.no_grad():
            loss = functional.cross_entropy(probe.logits(held), held_labels).item()
        if not best or loss < lowest:
            lowest, best = loss, [parameter.detach().clone() for parameter in (*weights, *biases)]
    return HeadProbe((best[0], best[2]), (best[1], best[3]))
