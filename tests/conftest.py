"""Where the real genomes are, and the rule that nothing else may be skipped."""

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ABSENT = "needs the real genomes of ../shared/data"
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


def refuse_skip(report):
    """Under STRICT or CI, turn what was skipped for want of anything but real genomes into a failure."""
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2]
        if ABSENT not in reason:
            report.outcome = "failed"
            report.longrepr = f"{reason}\nHere a skipped test fails: install what it needs."
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return refuse_skip((yield))
