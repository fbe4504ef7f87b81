"""The source `table`: sequence files of the user, and a table of names and classes."""

from collections.abc import Iterator

from spikegeometry.errors import InputError
from spikegeometry.genomes.classification import ClassRules
from spikegeometry.genomes.fasta import read_fasta
from spikegeometry.genomes.labels import read_table_labels
from spikegeometry.genomes.sources import Genome


def read_table(block: dict, rules: ClassRules | None, key: str) -> Iterator[Genome]:
    """Yield every record of the files of a `table` source.

    With a table of labels the accession is the name in the table that the FASTA header bears; rows of the table that
    are broken come first, names that no file bears follow at the end, without sequence. Where `block["sequences"]`
    maps each class to a file instead, the accession is the whole header.

    Parameters
    ----------
    block: the source's block of the config (sequences, labels and its columns, classes).
    rules: give the classes where the table of labels has no column of them.
    key: config key of the block, for messages.
    """
    sequences = block["sequences"]
    if isinstance(sequences, dict):
        if block["labels"] is not None:
            raise InputError(f"Config keys {key}.labels and {key}.sequences both give classes. Name a list of files.")
        yield from _read_class_files(sequences)
        return
    labels = read_table_labels(block, rules, key)
    yield from labels.rejected
    found = set()
    paths = [sequences] if isinstance(sequences, str) else sequences
    for path in paths:
        for record in read_fasta(path):
            name, genome = labels.genome(record.name, record.sequence)
            found.add(name)
            yield genome
    for name, label in labels.by_name.items():
        if name not in found:
            yield label.genome(name, None)


def _read_class_files(files: dict[str, str]) -> Iterator[Genome]:
    for class_name, path in files.items():
        for record in read_fasta(path):
            yield Genome(record.name, class_name, record.sequence, rule="file")
