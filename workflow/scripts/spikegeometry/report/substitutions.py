"""What each substitution of a residue does, from the tables of `in_silico_mutagenesis` to what fits into a page."""

from typing import Any

import numpy as np
import pandas as pd

from spikegeometry.figures.amino_acids import AMINO_ACIDS, SIDE_CHAINS
from spikegeometry.report.arrays import packed

# Scores of two bytes each that the page may have of all sequences together. The first, the reference, is always in.
BUDGET = 1_500_000
# Scores are whole thousandths of a nat, and the least number of 16 bits where there is none.
SCALE = 1000
MISSING = np.iinfo(np.int16).min
NOT_MADE = np.iinfo(np.uint8).max
MASKED = "masked"


def substitution_arrays(
    scores: pd.DataFrame, residues: pd.DataFrame, classes: list[str], budget: int = BUDGET
) -> dict[str, Any]:
    """Each sequence with the scores of its substitutions, as long as there is room for it.

    `scores`: sequence, residue, own, amino_acid, unknown, defines, masked, change_CLASS; `residues`: sequence,
    accession, copies, residue, left_out. Of a sequence, `values` are the scores in the order of `scores` by residue and
    amino acid, in units of 1 / `scale` nat; `unknown` is by residue and amino acid the number of k-mers that the
    network does not know. What has no value holds `missing`, what was not made `not_made`.
    """
    columns = [MASKED, *(f"change_{name}" for name in classes)]
    shown: list[dict[str, Any]] = []
    room = budget
    of_residues = dict(iter(residues.groupby("sequence", sort=False)))
    measured = scores.groupby("sequence", sort=False)
    for name, part in measured:
        numbers = sorted(part["residue"].unique().tolist())
        room -= len(numbers) * len(AMINO_ACIDS) * len(columns)
        if room < 0 and shown:
            break
        places = (
            np.searchsorted(numbers, part["residue"].to_numpy()),
            part["amino_acid"].map(AMINO_ACIDS.index).to_numpy(),
        )
        values = np.full((len(columns), len(numbers), len(AMINO_ACIDS)), MISSING, np.int16)
        values[:, *places] = _thousandths(part[columns].to_numpy(float).T)
        unknown = np.full(values.shape[1:], NOT_MADE, np.uint8)
        unknown[places] = part["unknown"]
        own = part.drop_duplicates("residue").set_index("residue")["own"]
        about = of_residues[name]
        # A column without any text is read as one of missing numbers.
        defining = part[part["defines"].fillna("") != ""]
        shown.append(
            {
                "name": name,
                "accession": str(about["accession"].fillna("").iloc[0]),
                "copies": int(about["copies"].iloc[0]),
                "left_out": int((about["left_out"].fillna("") != "").sum()),
                "residues": numbers,
                "own": "".join(own[numbers]),
                "values": packed(values),
                "unknown": packed(unknown),
                "defines": [
                    [residue, amino_acid, names.split(";")]
                    for residue, amino_acid, names in defining[["residue", "amino_acid", "defines"]].to_numpy().tolist()
                ],
            }
        )
    return {
        "amino_acids": AMINO_ACIDS,
        "groups": [len(group) for group in SIDE_CHAINS.values()],
        "scores": [MASKED, *classes],
        "scale": SCALE,
        "missing": MISSING,
        "not_made": NOT_MADE,
        "measured": measured.ngroups,
        "sequences": shown,
    }


def _thousandths(values: np.ndarray) -> np.ndarray:
    whole = np.clip(np.rint(values * SCALE), MISSING + 1, np.iinfo(np.int16).max)
    return np.where(np.isnan(values), MISSING, whole).astype(np.int16)
