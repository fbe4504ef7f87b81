"""Where the real genomes and GPUs are, and the rule that nothing may be skipped but for want of them."""

import os
import sys
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ABSENT, NO_GPU = "needs the real genomes of ../shared/data", "needs a GPU"
STRICT = bool(os.environ.get("STRICT") or os.environ.get("CI"))

# Before the libraries are imported: no test reads a model from the network or opens a window.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MPLBACKEND"] = "Agg"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real genomes beside the checkout, which are no part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(ABSENT)
    return SHARED_DATA


@pytest.fixture
def gpu():
    """The GPU, as jobs prepare it."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip(NO_GPU)
    from spikegeometry.model.runtime import prepare

    return prepare("cuda", threads=1)


@pytest.fixture(autouse=True)
def no_figure_left():
    """Close the figures that a test has drawn."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def pytest_make_parametrize_id(val):
    """Bytes by their number: packed ones hold the time, and processes that share the tests must call them alike."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


def refuse_skip(report):
    """Under STRICT or CI, turn what was skipped for want of anything that can be installed into a failure."""
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2]
        if not any(absent in reason for absent in (ABSENT, NO_GPU)):
            report.outcome = "failed"
            report.longrepr = f"{reason}\nHere a skipped test fails: install what it needs."
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = refuse_skip((yield))
    # Logs quote what bad files hold; what is no text cannot be sent from one process to another.
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return refuse_skip((yield))
