"""What a run asks for."""


def targets():
    """Every final file of the run."""
    return collect("<results>/evaluation/metrics.json")
