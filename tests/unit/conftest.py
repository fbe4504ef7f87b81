"""Every figure that a unit test draws must be readable."""

import sys

import pytest


@pytest.fixture(autouse=True)
def readable_figures():
    """Fail a test whose figure holds small text, a legend over data, or no number in its title."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        from readable import faults

        found = {number: faults(pyplot.figure(number)) for number in pyplot.get_fignums()}
        assert not any(found.values()), found
