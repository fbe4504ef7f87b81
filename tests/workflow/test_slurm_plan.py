"""The workflow's profiles plan what people run."""

import pytest

from copied import planned_rules


@pytest.mark.parametrize("configuration", ["config/config.yaml", "tests/data/tiny.yaml"])
def test_slurm_profile_plans_the_run(checkout, configuration):
    """Groups of jobs are no circle, with genomes of none of the classes and without."""
    profile = ["--workflow-profile", "workflow/profiles/slurm", "--dry-run"]
    result = checkout.snakemake(*profile, configfile=configuration)
    assert result.returncode == 0, (result.stdout + result.stderr)[-2000:]
    assert {"split_spikes", "encode_split"} <= planned_rules(result.stdout + result.stderr)
