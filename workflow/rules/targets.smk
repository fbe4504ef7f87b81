"""What a run asks for."""


def targets():
    """Every final file of the run."""
    cohorts = ["", *sorted(set(COHORTS.prefixes.values()))]
    return [
        *collect("<results>/{cohort}genomes/cohort.png", cohort=cohorts),
        *collect("<results>/{cohort}spikes/spikes.png", cohort=cohorts),
        *collect("<results>/dataset/{figure}.png", figure=["kmer_ranks", "splits", "leakage"]),
        "<results>/model/training.png",
        "<results>/model/about.json",
        "<results>/model/card.md",
        "<results>/model/known.parquet",
        *collect("<results>/predictions/{split}.parquet", split=["train", *EVALUATED]),
        *collect(
            "<results>/evaluation/{set}/{figure}.png",
            set=EVALUATED[1:],
            figure=["metrics", "confusion", "curves", "calibration", "abstention"],
        ),
        "<results>/evaluation/metrics.json",
        "<results>/front.rst",
        "<results>/methods.html",
        "<results>/findings.tsv",
        *collect("<results>/geometry/{analysis}.png", analysis=ANALYSES),
        "<results>/atlas.html",
    ]
