"""Whether a training succeeded: the network beside the linear baseline on the validation split."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

# A network as good as the baseline is taken for a worse one this often at most.
LEVEL = 0.1


@dataclass(frozen=True)
class Comparison:
    """A network beside the linear baseline on `n` distinct sequences of the validation split.

    `lost` of them only the baseline classifies correctly, `gained` only the network. `p` is the chance of as many lost
    ones where either is as likely to be the better on a sequence (McNemar's exact test, one-sided).
    """

    accuracy: float
    baseline_accuracy: float
    n: int
    lost: int
    gained: int
    p: float

    @property
    def learnt(self) -> bool:
        """Whether the network is not below the baseline by more than sampling allows."""
        return self.p >= LEVEL


def compare_with_baseline(correct: np.ndarray, baseline: np.ndarray, haplotypes: np.ndarray) -> Comparison:
    """Compare on distinct sequences which ones (n,) the network and the baseline classify correctly.

    Of sequences with one of the `haplotypes` (n,) the first counts: copies say nothing new.
    """
    first = np.unique(haplotypes, return_index=True)[1]
    correct, baseline = correct[first].astype(bool), baseline[first].astype(bool)
    lost, gained = int((baseline & ~correct).sum()), int((correct & ~baseline).sum())
    p = float(binom.sf(lost - 1, lost + gained, 0.5))
    return Comparison(float(correct.mean()), float(baseline.mean()), len(first), lost, gained, p)
