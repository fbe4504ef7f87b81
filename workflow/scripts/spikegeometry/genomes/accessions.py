"""Lists of accessions that a user wrote, or copied from a web page or a paper."""

import os
import re
from typing import NamedTuple

from spikegeometry.errors import InputError
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.compression import DAMAGE_ERRORS, open_decompressed
from spikegeometry.genomes.sources import Genome

GISAID = re.compile(r"\bEPI_ISL_\d+\b", re.IGNORECASE)
# EPI_ISL_402119-402121, EPI_ISL_402119 to EPI_ISL_402121: first, last, which a broken line may lack.
RANGE = re.compile(
    r"\bEPI_ISL_(\d+)\s*(?:[-~\u2010-\u2015\u2212]|\.{2,}|\u2026|\bto\b|\bthrough\b)\s*(?:(?:EPI_ISL_)?(\d+)\b|$)",
    re.IGNORECASE,
)
# EPI_ISL_402119, 402120: numbers of six digits or more, which a length or a year has not.
BARE_NUMBERS = r"(?P<bare>(?:\s*[,;/&+]\s*\d{6,}\b(?![-./]))*)"
ACCESSION = re.compile(f"{RANGE.pattern}|(?P<single>{GISAID.pattern}){BARE_NUMBERS}", re.IGNORECASE)
MOST_OF_A_RANGE = 100_000
# What was to be an accession or a set of GISAID and is not written as one.
MISSPELT = re.compile(r"(?<![A-Za-z_])EPI[\s_-]*(?:ISL|SET)?[\s_-]*\d\w*", re.IGNORECASE)
# GenBank, ENA and DDBJ: nucleotide records and whole-genome sets, with or without version.
INSDC = re.compile(r"\b(?:[A-Z]\d{5}|[A-Z]{2}(?:_?\d{6}|\d{8})|[A-Z]{4}\d{8,10}|[A-Z]{6}\d{9,})(?:\.\d+)?\b")


class Accessions(NamedTuple):
    """The accessions of a list, each once and in its order, and a record for each line, or part of one, without any."""

    wanted: dict[str, None]
    rejected: list[Genome]


def read_accessions(path: str | os.PathLike, key: str) -> Accessions:
    """Read the EPI_ISL accessions of a text, plain or compressed: in lines or in any columns of a TSV or CSV.

    Ranges such as EPI_ISL_402119-402121 stand for all that are in them, both ends included. Empty lines, comments (`#`)
    and a header pass; any other line without accession is rejected with its number, and so is what looks like an
    accession and is none. `key` is the config key of the list, for messages.

    Raises InputError where the file cannot be read or has no accession.
    """
    wanted: dict[str, None] = {}
    rejected = []
    try:
        with open_decompressed(path) as file:
            data = file.read()
    except DAMAGE_ERRORS as error:
        raise InputError(f"{path} ({key}) is truncated or damaged ({error}). Fetch the file again.") from error
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"

    def reject(number: int, what: str) -> None:
        detail = f"{path} line {number} {what}."
        rejected.append(Genome(f"{os.path.basename(path)}:{number}", "", None, rejection=Rejection("junk", detail)))

    header = True
    for number, line in enumerate(data.decode(encoding, "replace").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found, left = _accessions_of(line)
        wanted |= dict.fromkeys(found)
        for text in left:
            reject(number, f"has {text[:80]!r}, which is no accession such as EPI_ISL_402124")
        if not found and not left and not header:
            reject(number, f"has no accession: {line.strip()[:80]!r}")
        header = False
    if not wanted:
        raise InputError(f"{path} ({key}) holds no accession. They look like EPI_ISL_402124.")
    return Accessions(wanted, rejected)


def _accessions_of(line: str) -> tuple[list[str], list[str]]:
    """The accessions of a line in their order, and what looks like one and is none."""
    found, left = [], []
    for match in ACCESSION.finditer(line):
        if match[1] is None:
            found.append(match["single"].upper())
            left += re.findall(r"\d+", match["bare"])
            continue
        first, last = int(match[1]), int(match[2] or 0)
        if first <= last < first + MOST_OF_A_RANGE:
            found += [f"EPI_ISL_{number}" for number in range(first, last + 1)]
        else:
            left.append(match[0])
    return found, left + MISSPELT.findall(ACCESSION.sub(" ", line))
