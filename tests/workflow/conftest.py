"""A tiny run of the whole workflow, made once, in a copy of the working tree."""

import pytest

from copied import Checkout, copy_tree


@pytest.fixture(scope="session")
def checkout(tmp_path_factory) -> Checkout:
    """The copy, with nothing run in it."""
    return copy_tree(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def finished(checkout) -> Checkout:
    """The copy after the tiny run."""
    result = checkout.snakemake()
    assert result.returncode == 0, (result.stdout + result.stderr)[-8000:]
    return checkout
