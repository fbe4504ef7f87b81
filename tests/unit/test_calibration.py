"""Calibration by hand."""

import numpy as np
import pytest

from spikegeometry.evaluation.calibration import confidence_bins, expected_calibration_error, reliability_table

CONFIDENCE = np.array([0.4, 0.3, 0.9, 0.8])
CORRECT = np.array([True, False, True, False])


def test_bins_are_closed_above():
    assert confidence_bins(np.array([0.0, 0.1, 0.5, 0.51, 1.0]), 2).tolist() == [0, 0, 0, 1, 1]


def test_error_by_hand():
    # Lower bin: 0.35 said, 0.5 right; upper bin: 0.85 said, 0.5 right.
    error = expected_calibration_error(CONFIDENCE, CORRECT, 2, np.ones((1, 4)))
    assert error == pytest.approx([0.5 * 0.15 + 0.5 * 0.35])


def test_weights_are_copies():
    copied = np.repeat(np.arange(4), [2, 0, 1, 3])
    expected = expected_calibration_error(CONFIDENCE[copied], CORRECT[copied], 2, np.ones((1, 6)))
    assert expected_calibration_error(CONFIDENCE, CORRECT, 2, np.array([[2, 0, 1, 3]])) == pytest.approx(expected)


def test_calibrated_predictions_have_no_error():
    confidence = np.full(10, 0.7)
    assert expected_calibration_error(confidence, np.arange(10) < 7, 15, np.ones((1, 10))) == pytest.approx([0])


def test_table():
    table = reliability_table(CONFIDENCE, CORRECT, 4)
    assert table["bin_low"].tolist() == [0, 0.25, 0.5, 0.75]
    assert table["n"].tolist() == [0, 2, 0, 2]
    assert table["confidence"].tolist() == pytest.approx([np.nan, 0.35, np.nan, 0.85], nan_ok=True)
    assert table["accuracy"].tolist() == pytest.approx([np.nan, 0.5, np.nan, 0.5], nan_ok=True)
    error = expected_calibration_error(CONFIDENCE, CORRECT, 4, np.ones((1, 4)))
    gaps = (table["accuracy"] - table["confidence"]).abs()
    assert error == pytest.approx([(gaps * table["n"]).sum() / 4])
