"""Values of substitutions that were measured elsewhere, such as by deep mutational scanning."""

import logging
import math
import os
import re

import pandas as pd

from spikegeometry.errors import InputError
from spikegeometry.genomes.rows import read_rows
from spikegeometry.sequences.substitutions import AMINO_ACIDS

logger = logging.getLogger(__name__)

COLUMNS: dict[str, str | tuple[str, ...]] = {
    "site": ("site", "position"),
    "wildtype": ("wildtype", "wild_type", "wt"),
    "mutation": ("mutation", "mutant", "mut"),
    "value": "value",
}
# A table fits a gene where at least this share of its wild types are the gene's residues.
LEAST_SHARE = 0.5
# Why a row is left out: its wild type is not the reference's, it is no substitution (a stop codon, a deletion or the
# residue itself), or it has no value.
MISMATCHED, NO_SUBSTITUTION, NO_VALUE = "other wild type", "no substitution", "no value"


def read_measurements(path: str | os.PathLike, protein: str, key: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Mean value of each substitution of a table, and how many rows are left out, by reason.

    The table has the columns site (1-based), mutation, as `Y` or as `N501Y`, and value; wildtype is optional.
    `protein` is the reference's. Columns: residue, amino_acid, value.

    Raises InputError, naming file, record and config key, where a row cannot be read, or where the table is of another
    protein: most of its wild types are not the reference's.
    """
    rows, left_out = [], dict.fromkeys((MISMATCHED, NO_SUBSTITUTION, NO_VALUE), 0)
    total, is_checked, first_mismatch = 0, False, ""
    for record in read_rows(path, COLUMNS, key, optional=("wildtype",)):
        where = f"{path} line {record.line} (config key {key})"
        if record.problem:
            raise InputError(f"{where}: {record.problem}.")
        site, wildtype, mutant, value = _parsed(record.values, where)
        own = protein[site - 1] if 1 <= site <= len(protein) else "no residue"
        total, is_checked = total + 1, is_checked or bool(wildtype)
        if own == "no residue" or (wildtype and wildtype != own):
            left_out[MISMATCHED] += 1
            first_mismatch = first_mismatch or f"{where}: {wildtype or 'the residue'} at {site}, where it has {own}"
        elif math.isnan(value):
            left_out[NO_VALUE] += 1
        elif mutant not in AMINO_ACIDS or mutant == own:
            left_out[NO_SUBSTITUTION] += 1
        else:
            rows.append((site, mutant, value))
    if left_out[MISMATCHED] > (1 - LEAST_SHARE) * total:
        raise InputError(
            f"{first_mismatch}; {left_out[MISMATCHED]} of {total} rows do not fit the reference's protein: "
            "name a table of this gene, or null."
        )
    if not is_checked:
        logger.warning("%s names no wild types: nothing says whether it is of this gene.", path)
    for reason, count in left_out.items():
        if count:
            logger.warning("%s: %d rows are left out (%s).", path, count, reason)
    table = pd.DataFrame(rows, columns=["residue", "amino_acid", "value"])
    return table.groupby(["residue", "amino_acid"], as_index=False)["value"].mean(), left_out


def _parsed(values: dict[str, str], where: str) -> tuple[int, str, str, float]:
    """Site, wild type ("" where none is said), mutant and value (NaN where it is empty) of a row."""
    text = values["mutation"]
    match = re.fullmatch(r"(?:([A-Z])?(\d+))?([A-Z*-])", text.upper())
    if not match:
        raise InputError(f"{where}: the mutation {text!r} is none such as Y or N501Y.")
    try:
        site = int(float(values["site"]))
        value = float(values["value"]) if values["value"] and values["value"] != "NA" else math.nan
    except ValueError:
        raise InputError(f"{where}: site or value is no number: {values['site']!r}, {values['value']!r}.") from None
    if match[2] and int(match[2]) != site:
        raise InputError(f"{where}: the mutation {text} is not at site {site}.")
    return site, values["wildtype"].upper() or match[1] or "", match[3], value
