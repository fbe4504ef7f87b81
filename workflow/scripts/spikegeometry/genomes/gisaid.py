"""The source `gisaid`: the licensed data feed, or archives that a user downloaded from the website.

The feed is a text of JSON objects, a line each, compressed by xz. The archives hold FASTA files whose headers name the
virus, the accession and the date between pipes, and tables of metadata in one of two forms that the website gives out.
"""

import json
import logging
import re
from array import array
from collections.abc import Iterator

import numpy as np

from spikegeometry.errors import InputError
from spikegeometry.genomes.accessions import GISAID, Accessions, read_accessions
from spikegeometry.genomes.archives import kind_of, read_members
from spikegeometry.genomes.classification import ClassRules, Labelled
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.compression import DAMAGE_ERRORS, Decompressed, open_decompressed
from spikegeometry.genomes.fasta import read_fasta
from spikegeometry.genomes.names import Names, plain_name
from spikegeometry.genomes.remote import Credentials, Remote
from spikegeometry.genomes.rows import (
    NoTable,
    Row,
    broken_row,
    find_columns,
    readable,
    split_table,
    warn_of_foreign_rows,
)
from spikegeometry.genomes.sources import Genome

# What the feed and the forms of tables that the website has given out since 2020 call the same thing.
FIELDS = {
    "accession": ("covv_accession_id", "Accession ID", "gisaid_epi_isl", "EPI_ISL", "GISAID accession", "Accession"),
    "name": ("covv_virus_name", "Virus name", "strain", "Isolate name"),
    "date": ("covv_collection_date", "Collection date", "date"),
    "location": ("covv_location", "country", "Location"),
    "pango": (
        *("covv_lineage", "Pango lineage", "pangolin_lineage", "Pangolin lineage", "Lineage", "Nextclade_pango"),
        *("Lineage (pangolin)", "GISAID lineage"),
    ),
    "gisaid_clade": ("covv_clade", "GISAID_clade", "Clade"),
    "gisaid_variant": ("covv_variant", "Variant"),
    "nextstrain_clade": ("Nextstrain_clade", "clade_nextstrain", "clade_membership"),
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
        asked = read_accessions(block["accessions"], f"{key}.accessions")
        logger.info("%s accessions are asked for", f"{len(asked.wanted):,}")
        yield from asked.rejected
    records = _read_feed(block, remote, asked, key) if block["feed"] else _read_archives(block, asked, key)
    found = set()
    for fields, sequence in records:
        found.add(fields["accession"])
        yield _genome(fields, sequence, rules, block)
    for accession in asked.wanted if asked else ():
        if accession not in found:
            yield Genome(accession, "", None)


def _genome(fields: dict[str, str], sequence: str | Rejection, rules: ClassRules, block: dict) -> Genome:
    country = fields.get("location", "").split("/")[1 if "/" in fields.get("location", "") else 0].strip()
    known = fields.get("date", ""), country, fields.get("pango", "")
    genome = Genome(fields["accession"], "", None, "", "", *known)
    if isinstance(sequence, Rejection):
        return genome._replace(rejection=sequence)
    result = _classify(fields, rules, block)
    if isinstance(result, Rejection):
        return genome._replace(rejection=result)
    return genome._replace(class_name=result.class_name, sequence=sequence, rule=result.rule)


def _classify(fields: dict[str, str], rules: ClassRules, block: dict) -> Labelled | Rejection:
    for flag in ("is_complete", "is_high_coverage"):
        setting = f"{flag.removeprefix('is_')}_only"
        if block[setting] and fields.get(flag, "").lower() not in ("true", "1", "yes"):
            return Rejection(f"not_{flag.removeprefix('is_')}", f"GISAID does not call it so; {setting} is set.")
    result = rules.classify({kind: fields[kind] for kind in block["classes_by"] if kind in fields})
    absent = [kind for kind in block["classes_by"] if kind not in fields]
    if absent and isinstance(result, Rejection):
        names = "; ".join(f"{kind} (as {', '.join(FIELDS[kind])})" for kind in absent)
        return Rejection(result.reason, f"{result.detail} Its table of metadata has no column of {names}.")
    return result


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
    content: Decompressed, wanted: dict[str, None] | None, limit: int
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
    given = {field: record.get(names[0]) for field, names in FIELDS.items()}
    fields = {field: str(value) if isinstance(value, str | bool | int) else "" for field, value in given.items()}
    if not re.fullmatch(r"EPI_ISL_\d+", fields["accession"]):
        return {"accession": accession}, Rejection("no_accession", f"{where} has no covv_accession_id.")
    sequence = record.get("sequence")
    if not isinstance(sequence, str):
        return fields, Rejection("missing_sequence", f"{where} has no text as its sequence.")
    return fields, sequence.translate(_WHITESPACE).upper()


_WHITESPACE = str.maketrans("", "", " \t\r\n\v\f")


# Archives


class _Metadata:
    """Rows of metadata by accession, and by the names of the viruses."""

    def __init__(self, compared: list[str]):
        """`compared` are the fields in which two rows of one accession may not differ."""
        self.rejected: list[Genome] = []  # rows
        self._compared = compared
        self._rows: dict[str, dict[str, str]] = {}
        self._differing: set[str] = set()
        self._accessions: dict[str, list[str]] = {}
        self._unwanted = array("q")
        self._names = Names(())

    def add(self, fields: dict[str, str], wanted: bool) -> None:
        """Add a row; of one that is not wanted only that its name is taken."""
        accession, name = fields["accession"], plain_name(fields.get("name", ""))
        if not wanted:
            self._unwanted.append(hash(name))
            return
        row = self._rows.setdefault(accession, fields)
        if any(row.get(field) and fields.get(field) and row[field] != fields[field] for field in self._compared):
            self._differing.add(accession)
        row.update({field: value for field, value in fields.items() if not row.get(field)})
        if name and accession not in self._accessions.setdefault(name, []):
            self._accessions[name].append(accession)

    def index(self) -> None:
        """Make what was added findable by name."""
        self._names = Names(self._accessions)
        taken = set(np.intersect1d(list(map(hash, self._accessions)), np.array(self._unwanted, np.int64)).tolist())
        for name, accessions in self._accessions.items() if taken else ():
            accessions += ["one that is not asked for"] * (hash(name) in taken)

    def find(self, header: str) -> tuple[dict[str, str], Rejection | None]:
        """What is known of the record with this header, and why it is not taken where it is not.

        An accession identifies; a name does where one row has it.
        """
        found = list(dict.fromkeys(text.upper() for text in GISAID.findall(header)))
        named = found or [one for name in self._names.match(header) for one in self._accessions[name]]
        if len(named) > 1:
            by = "Its header has" if found else "Its name is that of"
            detail = f"{by} several accessions: {', '.join(named[:5])}. A header with one of them says which it is."
            return {"accession": header}, Rejection("ambiguous_name", detail)
        if not named or named[0] not in self._rows:
            detail = f"No row of metadata has the accession or the name of {header[:80]!r}."
            if self._rows:
                example = next(iter(self._rows.values()))
                detail += f" The first row has {example['accession']} and {example.get('name', '')!r}."
            return {"accession": named[0] if named else header} | _from_header(header), Rejection("unlabelled", detail)
        if named[0] in self._differing:
            detail = f"Rows of metadata of its accession differ in {' or '.join(self._compared)}. Keep the right one."
            return self._rows[named[0]], Rejection("metadata_conflict", detail)
        return self._rows[named[0]], None


def _read_archives(block: dict, asked: Accessions | None, key: str) -> Iterator[tuple[dict, str | Rejection]]:
    """Metadata of all archives first, because a table can stand behind its sequences."""
    limit = int(block["max_gigabytes"] * GIGABYTE)
    wanted = asked.wanted if asked else None
    metadata, sequences = _Metadata(block["classes_by"]), 0
    for path in block["archives"]:
        for name, content in read_members(path, limit):
            kind = kind_of(content)
            if kind == "page":
                raise InputError(f"{name} ({key}.archives) is a web page, perhaps for a login. Download it again.")
            if kind == "fasta":
                sequences += 1
                continue
            _read_metadata(content, name, wanted, metadata)
    if not sequences:
        raise InputError(f"{key}.archives hold no FASTA file. Download the sequences too (Augur input, or FASTA).")
    metadata.index()
    for row in metadata.rejected:
        if row.rejection:
            yield {"accession": row.accession}, row.rejection
    for path in block["archives"]:
        for name, content in read_members(path, limit):
            if kind_of(content) != "fasta":
                continue
            for record in read_fasta(content, name):
                fields, rejection = metadata.find(record.name)
                unclear = rejection and rejection.reason == "ambiguous_name"
                if wanted is None or unclear or fields["accession"] in wanted:
                    yield fields, rejection or record.sequence


def _from_header(header: str) -> dict[str, str]:
    """The date that a header hCoV-19/...|EPI_ISL_...|date holds."""
    dates = [part.strip() for part in header.split("|") if re.fullmatch(r"\s*\d{4}(-\d\d){0,2}\s*", part)]
    return {"date": dates[0]} if dates else {}


def _read_metadata(content: Decompressed, name: str, wanted: dict[str, None] | None, metadata: _Metadata) -> None:
    """Add the rows of a table of metadata; nothing where the text is no such table."""
    try:
        header, rows = split_table(content, name)
    except NoTable as error:
        logger.info("%s is neither FASTA nor a table of GISAID's metadata and is not read: %s", name, error)
        return
    columns = find_columns(header, FIELDS, name)
    if "accession" not in columns:
        logger.warning("%s is not read: it has no column of accessions, but %s", name, ", ".join(header)[:500])
        return
    foreign = []
    for row in _mend(rows, len(header)):
        problem, reason, accession = row.problem, "bad_row", ""
        if not problem:
            fields = {field: readable(row.fields[position]) for field, position in columns.items()}
            accession = fields["accession"] = fields["accession"].upper()
            if not GISAID.fullmatch(accession):
                problem, reason = f"no accession in column {header[columns['accession']]!r}", "no_accession"
        if problem:
            others = GISAID.findall(row.text)
            if wanted is None or not others or any(other.upper() in wanted for other in others):
                metadata.rejected.append(broken_row(name, row, reason, problem))
            continue
        if row.foreign:
            foreign.append(row.line)
        metadata.add(fields, wanted is None or accession in wanted)
    warn_of_foreign_rows(name, foreign)


def _mend(rows: Iterator[Row], width: int) -> Iterator[Row]:
    """Join a row that a line break in a field has cut, which only a lack of accessions in its rest can tell."""
    cut: Row | None = None
    for row in rows:
        if cut and row.problem and not GISAID.search(row.text) and len(cut.fields) + len(row.fields) <= width + 1:
            fields = [*cut.fields[:-1], f"{cut.fields[-1]} {row.fields[0]}".strip(), *row.fields[1:]]
            cut = Row(cut.line, fields, f"{cut.text}\n{row.text}", cut.problem)
            if len(fields) == width:
                yield cut._replace(problem="")
                cut = None
            continue
        if cut:
            yield cut
        cut = row if row.problem and row.fields else None
        if not cut:
            yield row
    if cut:
        yield cut
