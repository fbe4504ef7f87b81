"""Which of some names the header of a FASTA record bears."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from spikegeometry.genomes.accessions import INSDC
from spikegeometry.genomes.rows import readable

# Some databases write these before a virus' name and some do not.
PREFIX = re.compile(r"^((hcov-19|betacov|sars-cov-2|human)/)+")


def plain_name(name: str) -> str:
    """A name by which databases agree: without case, prefix and the difference between blanks and underscores."""
    name = unicodedata.normalize("NFKC", name.casefold())
    return PREFIX.sub("", re.sub(r"[\s_]+", "_", name))


def _unversioned(name: str) -> str:
    """An accession of INSDC without its version; other names have none, which is said by an empty text."""
    bare, dot, _ = name.rpartition(".")
    return bare if dot and INSDC.fullmatch(name) else ""


class Names:
    """Names, to be found in headers as they stand or, where that names none, as databases vary them."""

    def __init__(self, names: Iterable[str]):
        self._exact = dict.fromkeys(names)
        self._alike, self._versioned = defaultdict(list), defaultdict(list)
        for name in self._exact:
            self._alike[plain_name(name)].append(name)
            if bare := _unversioned(name):
                self._versioned[bare].append(name)

    def match(self, header: str) -> list[str]:
        """The names that a header may mean: none, one, or several, where it does not say which.

        Tried in turn: the whole header, its first word, its fields between pipes (hCoV-19/x|EPI_ISL_1|2021-01-01).
        An accession matches with or without its version, but not with another one.
        """
        header = readable(header)
        places = [header], header.split(maxsplit=1)[:1], [field.strip() for field in header.split("|")]
        for find in (self._find_exact, self._find_alike):
            for place in places:
                if found := list(dict.fromkeys(name for text in place if text for name in find(text))):
                    return found
        return []

    def _find_exact(self, text: str) -> list[str]:
        return [text] if text in self._exact else []

    def _find_alike(self, text: str) -> list[str]:
        if bare := _unversioned(text):
            return [bare] if bare in self._exact else []
        return self._alike.get(plain_name(text)) or self._versioned.get(text, [])
