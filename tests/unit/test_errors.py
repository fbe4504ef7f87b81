"""What is not finite is named."""

import numpy as np
import pytest

from spikegeometry.errors import InputError, check_finite


def test_the_first_that_is_not_finite_is_named():
    vectors = np.array([[0, 1], [np.nan, 1], [1, np.inf]])
    with pytest.raises(InputError, match="The output of cls, layer 3 is not finite for second"):
        check_finite(np.isfinite(vectors).all(axis=1), ["first", "second", "third"], "cls, layer 3")


def test_what_is_finite_passes():
    check_finite([True, True], ["first", "second"], "layer 1")
