"""Tables of names, classes and what else is known of genomes."""

from typing import NamedTuple

from spikegeometry.errors import InputError
from spikegeometry.genomes.classification import ClassRules
from spikegeometry.genomes.cleaning import Rejection
from spikegeometry.genomes.names import Names
from spikegeometry.genomes.rows import broken_row, is_foreign, read_rows
from spikegeometry.genomes.sources import Genome

# Columns of a table that hold what class rules read, by their config keys.
RULE_COLUMNS = {"lineage_column": "pango", "clade_column": "nextstrain_clade"}


class Label(NamedTuple):
    """What a table says of a genome. Empty where it says nothing."""

    class_name: str = ""
    rule: str = ""  # what gave the class
    date: str = ""  # of collection
    country: str = ""
    lineage: str = ""
    rejection: Rejection | None = None  # why the table gives no class

    def genome(self, accession: str, sequence: str | None) -> Genome:
        """The genome of this label."""
        known = self.date, self.country, self.lineage, self.rejection
        return Genome(accession, self.class_name, sequence, "", self.rule, *known)


class Labels:
    """The labels of a table by name, in its order, and a record for each row that gives none."""

    def __init__(self, by_name: dict[str, Label], rejected: list[Genome]):
        self.by_name, self.rejected = by_name, rejected
        self._names = Names(by_name)

    def genome(self, header: str, sequence: str) -> tuple[str | None, Genome]:
        """The name that the header of a sequence bears, None where it bears none or several, and the genome."""
        match self._names.match(header):
            case [name]:
                return name, self.by_name[name].genome(name, sequence)
            case [] if not header or is_foreign(header):
                return None, Genome(header, "", sequence)
            case []:
                example = next(iter(self.by_name), "")
                detail = f"The table of labels has no such name as {header[:80]!r}; its first one is {example!r}."
                return None, Genome(header, "", sequence, rejection=Rejection("unlabelled", detail))
            case several:
                detail = f"Its header may mean {' or '.join(several[:3])} of the table of labels."
                return None, Genome(header, "", sequence, rejection=Rejection("ambiguous_name", detail))


def read_table_labels(block: dict, rules: ClassRules | None, key: str) -> Labels:
    """Read the table of labels that a source's block names.

    The block's keys `name_column`, `class_column`, `lineage_column`, `clade_column`, `date_column` and
    `country_column` name the columns, null where there is none. `block["classes"]` gives values of the class column
    another name. Without a class column `rules` give the classes, by lineage and clade. An empty class is kept as "".
    `key` is the config key of the block, for messages.

    Rows that are broken or have no name are rejected; a name that has two classes, or is not UTF-8, has a label that
    rejects its genomes. Raises InputError where the file is no table, or a column or every row is missing.
    """
    columns = {setting: block[setting] for setting in block if setting.endswith("_column") and block[setting]}
    path, rejected = block["labels"], []
    labels: dict[str, Label] = {}
    firsts: dict[str, tuple[Label, int]] = {}
    for row in read_rows(path, columns, f"{key}.labels"):
        if row.problem:
            rejected.append(broken_row(path, row))
            continue
        name = row.values["name_column"]
        if not name:
            rejected.append(broken_row(path, row, "no_name", f"no name in column {columns['name_column']}"))
            continue
        label = _label(row.values, block["classes"], rules)
        if row.foreign and not name.isascii():
            detail = f"{path} line {row.line}: its name is not UTF-8. Save the table as UTF-8."
            label = Label(rejection=Rejection("bad_encoding", detail))
        first, line = firsts.setdefault(name, (label, row.line))
        labels.setdefault(name, label)
        if first.class_name != label.class_name:
            said = [f"{one.class_name or 'none'} on line {n}" for one, n in ((first, line), (label, row.line))]
            detail = f"{path} gives the name two classes: {said[0]}, {said[1]}. Keep one of the rows."
            labels[name] = Label(rejection=Rejection("ambiguous_name", detail))
    if not labels and not rejected:
        raise InputError(f"{path} ({key}.labels) has a header but no row.")
    return Labels(labels, rejected)


def _label(row: dict[str, str], renamed: dict[str, str], rules: ClassRules | None) -> Label:
    date, country, lineage = (row.get(f"{field}_column", "") for field in ("date", "country", "lineage"))
    if "class_column" in row or rules is None:
        value = row["class_column"]
        return Label(renamed.get(value, value), "column" if value else "", date, country, lineage)
    result = rules.classify({kind: row[column] for column, kind in RULE_COLUMNS.items() if column in row})
    if isinstance(result, Rejection):
        return Label("", "", date, country, lineage, result)
    return Label(result.class_name, result.rule, date, country, lineage)
