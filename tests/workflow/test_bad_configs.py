"""A bad configuration stops before any work, with a short message."""

import pytest

CASES = {
    "sed=3": ("Config key sed is unknown. Did you mean seed?",),
    "model={device: gpu}": ("Config key model.device: gpu is not allowed.", "one of auto, cpu, cuda"),
    "analyses={cone_index: {layers: [3]}}": (
        "Config key analyses.cone_index.layers: 3 does not exist.",
        "layers 1 to 2",
    ),
    "analyses={attention_gates: {classes: [zeta]}}": ("Config key analyses.attention_gates.classes: no class zeta.",),
    "reference={fasta: nowhere.fasta}": ("Config key reference.fasta: no file nowhere.fasta.",),
    "reference={gene: N, start: 28274, end: 29533}": ("Config key reference.domains", "Name the table of the domains"),
    "split={validation: 0.5, test: 0.5}": ("Config key split.test", "Keep their sum under 1."),
}


@pytest.mark.parametrize("change", CASES)
def test_message_names_the_key_and_what_is_allowed(checkout, change):
    result = checkout.snakemake("--config", change)
    assert result.returncode != 0
    for expected in CASES[change]:
        assert expected in result.stderr + result.stdout
    assert len((result.stderr + result.stdout).splitlines()) < 12
