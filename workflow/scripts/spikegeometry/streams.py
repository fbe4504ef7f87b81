"""Random streams: every use of the run's seed draws from numbers of its own."""

from enum import IntEnum, unique


@unique
class Stream(IntEnum):
    """What is drawn, by what follows the seed: `numpy.random.default_rng([seed, Stream.BOOTSTRAP])`."""

    BOOTSTRAP = 41
    MASKED_KMERS = 43
    MASKED_PROBE = 44
    PRUNING_ORDER = 59
    CLASS_SHUFFLES = 61
    ABLATION_SIGNS = 67
    POSITION_DRAWS = 71
    BASELINE_SAMPLE = 73
    LEAKAGE_SAMPLE = 79
    DOMAIN_CONTRASTS = 83
    POSITION_WINDOWS = 89
    EVIDENCE_SAMPLE = 97
    RANDOM_POSITIONS = 101
    PATCHING_WINDOWS = 103
    MUTAGENESIS_RESIDUES = 107
    MUTAGENESIS_PERMUTATIONS = 109
