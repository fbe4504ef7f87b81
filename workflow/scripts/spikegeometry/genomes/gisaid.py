"""The source `gisaid`: the licensed data feed, or archives that a user downloaded from the website.

The feed is a text of JSON objects, a line each, compressed by xz. The archives hold FASTA files whose headers name the
virus, the accession and the date between pipes, and tables of metadata in one of two forms that the website gives out.
"""

import csv
import io
import json
import logging
import re
from collections.abc import Iterator
from typing import BinaryIO

from spikegeometry.errors import InputError
from spikegeometry.genomes.accessions import GISAID, Accessions, read_accessions
from spikegeometry.genomes.archives import kind_of, read_members
from spikegeometry.genomes.classification import ClassRules
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.compression import DAMAGE_ERRORS, open_decompressed
from spikegeometry.genomes.fasta import read_fasta
from spikegeometry.genomes.remote import Credentials, Remote
from spikegeometry.genomes.sources import Genome

# What the feed and the two forms of tables call the same thing.
FIELDS = {
    "accession": ("covv_accession_id", "Accession ID", "gisaid_epi_isl"),
    "name": ("covv_virus_name", "Virus name", "strain"),
    "date": ("covv_collection_date", "Collection date", "date"),
    "location": ("covv_location", "Location", "country"),
    "pango": ("covv_lineage", "Pango lineage", "Lineage", "pango_lineage"),
    "gisaid_clade": ("covv_clade", "Clade", "GISAID_clade"),
    "gisaid_variant": ("covv_variant", "Variant"),
    "nextstrain_clade": ("Nextstrain_clade",),
    "is_complete": ("is_complete", "Is complete?"),
    "is_high_coverage": ("is_high_coverage", "Is high coverage?"),
}
ACCESSION_OF_LINE = re.compile(rb'"covv_accession_id"\s*:\s*"(EPI_ISL_\d+)"')
# A genome is 30 kilobases; a line without end is damage and must not fill the memory.
MAX_LINE = 1 << 24
GIGABYTE = 10**9

logger = logging.getLogger(__name__)


def read_gisaid(block: dict, rules: ClassRules, remote: Remote, key: str) -> Iterator[Genome]:
    """Yield the genomes that are asked for, and every record or accession that gives none, with the reason.

    Parameters
    ----------
    block: the source's block of the config (accessions, feed, archives, classes_by, complete_only,
        high_coverage_only, max_gigabytes).
    rules: give the classes.
    remote: reads the feed.
    key: config key of the block, for messages.
    """
    asked = None
    if block["accessions"]:
        asked = read_accessions(block["accessions"], GISAID, f"{key}.accessions")
        logger.info("%s accessions are asked for", f"{len(asked.wanted):,}")
        yield from asked.rejected
    records = _read_feed(block, remote, asked, key) if block["feed"] else _read_archives(block, asked, key)
    found = set()
    for fields, sequence in records:
        found.add(fields["accession"])
        if isinstance(sequence, Rejection):
            yield Genome(fields["accession"], "", None, rejection=sequence)
        else:
            yield _genome(fields, sequence, rules, block)
    for accession in asked.wanted if asked else ():
        if accession not in found:
            yield Genome(accession, "", None)


def _genome(fields: dict[str, str], sequence: str, rules: ClassRules, block: dict) -> Genome:
    country = fields.get("location", "").split("/")[1 if "/" in fields.get("location", "") else 0].strip()
    known = {"date": fields.get("date", ""), "country": country, "lineage": fields.get("pango", "")}
    for flag in ("is_complete", "is_high_coverage"):
        if block[f"{flag.removeprefix('is_')}_only"] and fields.get(flag, "").lower() not in ("true", "1", "yes"):
            detail = f"GISAID does not call it so; {flag.removeprefix('is_')}_only is set."
            rejection = Rejection(f"not_{flag.removeprefix('is_')}", detail)
            return Genome(fields["accession"], "", sequence, rejection=rejection, **known)
    result = rules.classify({kind: fields.get(kind, "") for kind in block["classes_by"]})
    if isinstance(result, Rejection):
        return Genome(fields["accession"], "", sequence, rejection=result, **known)
    return Genome(fields["accession"], result.class_name, sequence, rule=result.rule, **known)


# The feed


def _read_feed(
    block: dict, remote: Remote, asked: Accessions | None, key: str
) -> Iterator[tuple[dict, str | Rejection]]:
    feed = block["feed"]
    credentials = None
    if feed["user_variable"] and feed["password_variable"]:
        credentials = Credentials(feed["user_variable"], feed["password_variable"])
    limit = int(block["max_gigabytes"] * GIGABYTE)
    try:
        with remote.open(feed["url"], credentials) as body, open_decompressed(body) as content:
            yield from read_feed_lines(content, asked.wanted if asked else None, limit)
    except DAMAGE_ERRORS as error:
        raise InputError(f"{feed['url']} ({key}.feed.url) is truncated or damaged ({error}). Try again.") from error


def read_feed_lines(
    content: BinaryIO, wanted: dict[str, None] | None, limit: int
) -> Iterator[tuple[dict[str, str], str | Rejection]]:
    """Yield fields and sequence of the wanted records (None: of all) in the decompressed lines of a feed.

    A line that is no record yields the reason instead of a sequence, unless it is of an accession that is not wanted.
    Lines that are not wanted are not parsed. Raises InputError after `limit` bytes.
    """
    number = size = 0
    while line := content.readline(MAX_LINE):
        number, size = number + 1, size + len(line)
        if size > limit:
            raise InputError(f"The feed gives more than {limit:,} bytes. If it is no bomb, raise max_gigabytes.")
        found = ACCESSION_OF_LINE.search(line)
        accession = found[1].decode() if found else f"line {number}"
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            while (rest := content.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                size += len(rest)
            yield {"accession": accession}, Rejection("unreadable", f"Line {number} of the feed is too long.")
        elif (found and wanted is not None and accession not in wanted) or not line.strip():
            continue
        else:
            yield _parse_record(line, number, accession, wanted)


def _parse_record(
    line: bytes, number: int, accession: str, wanted: dict[str, None] | None
) -> tuple[dict[str, str], str | Rejection]:
    where = f"Line {number} of the feed"
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"accession": accession}, Rejection("unreadable", f"{where} is no whole JSON object ({error}).")
    if not isinstance(record, dict):
        return {"accession": accession}, Rejection("unreadable", f"{where} is no JSON object.")
    fields = {field: record.get(names[0]) for field, names in FIELDS.items()}
    fields = {field: str(value) if isinstance(value, str | bool | int) else "" for field, value in fields.items()}
    if not re.fullmatch(r"EPI_ISL_\d+", fields["accession"]):
        return {"accession": accession}, Rejection("no_accession", f"{where} has no covv_accession_id.")
    sequence = record.get("sequence")
    if not isinstance(sequence, str):
        return fields, Rejection("missing_sequence", f"{where} has no text as its sequence.")
    return fields, sequence.translate(_WHITESPACE).upper()


_WHITESPACE = str.maketrans("", "", " \t\r\n\v\f")


# Archives


def _read_archives(block: dict, asked: Accessions | None, key: str) -> Iterator[tuple[dict, str | Rejection]]:
    """Metadata of all archives first, because a table can stand behind its sequences."""
    limit = int(block["max_gigabytes"] * GIGABYTE)
    wanted = asked.wanted if asked else None
    by_accession, by_name, sequences = {}, {}, 0
    for path in block["archives"]:
        for name, content in read_members(path, limit):
            kind = kind_of(content)
            if kind == "page":
                raise InputError(f"{name} ({key}.archives) is a web page, perhaps for a login. Download it again.")
            if kind == "fasta":
                sequences += 1
                continue
            for fields in _read_metadata(content, name):
                if wanted is None or fields["accession"] in wanted:
                    by_accession[fields["accession"]] = fields
                    by_name[fields.get("name", "")] = fields
    if not sequences:
        raise InputError(f"{key}.archives hold no FASTA file. Download the sequences too (Augur input, or FASTA).")
    for path in block["archives"]:
        for name, content in read_members(path, limit):
            if kind_of(content) != "fasta":
                continue
            for record in read_fasta(content, name):
                found = GISAID.search(record.name)
                fields = by_accession.get(found[0].upper()) if found else by_name.get(record.name.split("|")[0].strip())
                accession = fields["accession"] if fields else found[0].upper() if found else record.name
                if wanted is not None and accession not in wanted:
                    continue
                yield fields or {"accession": accession, **_from_header(record.name)}, record.sequence


def _from_header(header: str) -> dict[str, str]:
    """The date that a header hCoV-19/...|EPI_ISL_...|date holds."""
    dates = [part.strip() for part in header.split("|") if re.fullmatch(r"\s*\d{4}(-\d\d){0,2}\s*", part)]
    return {"date": dates[0]} if dates else {}


def _read_metadata(content: BinaryIO, name: str) -> Iterator[dict[str, str]]:
    """Rows of a metadata table by our names of the fields; nothing where the text is no such table."""
    text = io.TextIOWrapper(content, encoding="utf-8-sig", errors="replace", newline="")
    try:
        rows = csv.DictReader(text, delimiter="\t")
        headers = rows.fieldnames or []
        columns = {field: next((one for one in names if one in headers), None) for field, names in FIELDS.items()}
        if columns["accession"] is None:
            logger.info("%s is neither FASTA nor a table of GISAID's metadata and is not read", name)
            return
        for row in rows:
            fields = {field: (row.get(column) or "").strip() for field, column in columns.items() if column}
            if GISAID.fullmatch(fields["accession"]):
                yield fields
            else:
                logger.warning("%s line %d has no accession and is not read", name, rows.line_num)
    except csv.Error as error:
        raise InputError(f"{name} is a broken table ({error}). Download it again.") from error
    finally:
        text.detach()
