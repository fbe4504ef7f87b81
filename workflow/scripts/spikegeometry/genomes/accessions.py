"""Lists of accessions that a user wrote, or copied from a web page or a paper."""

import os
import re
from typing import NamedTuple

from spikegeometry.errors import InputError
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.compression import DAMAGE_ERRORS, open_decompressed
from spikegeometry.genomes.sources import Genome

GISAID = re.compile(r"\bEPI_ISL_\d+\b", re.IGNORECASE)
# GenBank, ENA and DDBJ: nucleotide records and whole-genome sets, with or without version.
INSDC = re.compile(r"\b(?:[A-Z]\d{5}|[A-Z]{2}(?:_?\d{6}|\d{8})|[A-Z]{4}\d{8,10}|[A-Z]{6}\d{9,})(?:\.\d+)?\b")


class Accessions(NamedTuple):
    """The accessions of a list, each once and in its order, and a record for each line that has none."""

    wanted: dict[str, None]
    rejected: list[Genome]


def read_accessions(path: str | os.PathLike, pattern: re.Pattern, key: str) -> Accessions:
    """Read the accessions of a text, plain or compressed: one a line, or in any columns of a TSV or CSV.

    Empty lines, comments (`#`) and a header pass; any other line without accession is rejected with its number.
    `key` is the config key of the list, for messages.

    Raises InputError where the file cannot be read or has no accession.
    """
    wanted, rejected, repeated = {}, [], 0
    try:
        with open_decompressed(path) as file:
            lines = file.read().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path} ({key}) is not UTF-8 text. Convert the file.") from None
    except DAMAGE_ERRORS as error:
        raise InputError(f"{path} ({key}) is truncated or damaged ({error}). Fetch the file again.") from error
    for number, line in enumerate(lines, start=1):
        found = [match.upper() for match in pattern.findall(line)]
        repeated += sum(accession in wanted for accession in found)
        wanted |= dict.fromkeys(found)
        if not found and wanted and line.strip() and not line.lstrip().startswith("#"):
            detail = f"{path} line {number} has no accession: {line.strip()[:80]!r}."
            rejected.append(Genome(f"{os.path.basename(path)}:{number}", "", None, rejection=Rejection("junk", detail)))
    if not wanted:
        raise InputError(f"{path} ({key}) holds no accession. They look like EPI_ISL_402124, or OM990851.1.")
    return Accessions(wanted, rejected)
