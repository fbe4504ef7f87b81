"""Mutations of a gene: how they are written in its protein, and the gene without one of them."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from spikegeometry.sequences.codons import CODON
from spikegeometry.sequences.translation import translate

# Symbols of a projected sequence that are known: bases and deletions.
KNOWN = list(b"ACGT-")


def in_protein(text: str, first: int, last: int, gene: str, substituted: str) -> tuple[str, int, int]:
    """A mutation of the bases `first`..`last` in the protein, and its first and last residue.

    It reads N501Y, del 69-70, del 156-157 R158G, ins after 214, N3 silent, or frameshift. `substituted` is the protein
    with all substitutions of the class: two of a codon act together.
    """
    residue = (first - 1) // CODON + 1
    if text.startswith("ins:"):
        return f"ins after {residue}", residue, residue
    if text.startswith("del:"):
        return deletion(first, last, gene)
    old, new = translate(gene)[residue - 1], substituted[residue - 1]
    return (f"{old}{residue}{new}" if old != new else f"{old}{residue} silent"), residue, residue


def all_in_protein(
    texts: Iterable[str], firsts: Iterable[int], lasts: Iterable[int], gene: str
) -> list[tuple[str, int, int]]:
    """`in_protein` of all mutations of a class, in their order: their texts, and their first and last bases."""
    mutations = list(zip(texts, firsts, lasts, strict=True))
    changed = list(gene)
    for text, first, _ in mutations:
        if text[0] in "ACGT":
            changed[first - 1] = text[-1]
    after = translate("".join(changed))
    return [in_protein(text, first, last, gene, after) for text, first, last in mutations]


def deletion(first: int, last: int, gene: str) -> tuple[str, int, int]:
    """What the protein loses with the bases `first`..`last`, and the first and last residue of it.

    Lost are the first residues that differ; where the codon that is left of two reads anew, the change follows.
    """
    before, after = translate(gene), translate(gene[: first - 1] + gene[last:])
    same = (old == new for old, new in zip(before, after, strict=False))
    start = next((i for i, is_same in enumerate(same) if not is_same), len(after)) + 1
    if (last - first + 1) % CODON:
        return f"frameshift from {start}", start, start
    end = start + (last - first + 1) // CODON - 1
    name = f"del {start}" if start == end else f"del {start}-{end}"
    old, new = before[end : end + 1], after[start - 1 : start]
    return (f"{name} {old}{end + 1}{new}" if old != new else name), start, end


class Change(NamedTuple):
    """A mutation that can be put back: its name in the protein, and its bases of the gene, 0-based, in their order.

    `residue` is the first that it touches, 1-based. An insertion has no bases, and its place is the base before it;
    `inserted` says what. `in_protein` is false where the protein is not known to change.
    """

    name: str
    residue: int
    bases: tuple[int, ...] = ()
    insertion: int | None = None
    inserted: str = ""
    in_protein: bool = True


def changes(projected: str, insertions: str, deletions: str, gene: str) -> list[Change]:
    """The mutations of a gene that can be put back, one by one, in their order: of codons, deletions, insertions.

    Arguments as of `protein_mutations`. A change of a codon that leaves its residue is `F924 silent`. Bases that are
    not known are no mutation.
    """
    before, after = translate(gene), translate(projected)
    deleted: list[Change] = []
    lost: set[int] = set()
    for text in filter(None, deletions.split(";")):
        first, last = map(int, text.split("-"))
        bases = tuple(place for place in range(first - 1, last) if projected[place] == "-")
        lost.update(bases)
        name, residue, _ = deletion(first, last, gene)
        deleted.append(Change(name, residue, bases))
    codons: dict[int, list[int]] = {}
    own, other = (np.frombuffer(sequence.encode(), dtype=np.uint8) for sequence in (gene, projected))
    for place in np.flatnonzero((own != other) & np.isin(other, KNOWN)).tolist():
        if place not in lost:
            codons.setdefault(place // CODON, []).append(place)
    found = []
    for codon, changed in codons.items():
        # What is left of the last codon of a gene is no residue.
        old, new = (protein[codon] if codon < len(protein) else "X" for protein in (before, after))
        name = f"{old}{codon + 1}" + (" silent" if new == old else "?" if new == "X" else new)
        found.append(Change(name, codon + 1, tuple(changed), in_protein=new not in (old, "X")))
    found += deleted
    for text in filter(None, insertions.split(";")):
        start, letters = text.split(":")
        place, residue = int(start), int(start) // CODON
        whole = len(letters) % CODON == 0 and place % CODON == 0
        inserted = translate(letters) if whole else f"{len(letters)} bases"
        found.append(Change(f"ins {residue}", residue, insertion=place, inserted=inserted))
    return sorted(found, key=lambda change: change.residue)


def protein_mutations(projected: str, insertions: str, deletions: str, gene: str) -> list[str]:
    """The mutations of a gene in its protein, in their order: N501Y, del 69-70, ins 214 EPE, frameshift from 12.

    `projected` has a symbol for each base of `gene`, the reference's; `insertions` and `deletions` are as in the table
    of gene sequences (`position:bases` and `first-last`, 1-based, joined by `;`). A codon with a base that is not known
    says nothing; one of which a part is deleted is described with the deletion.
    """
    return [
        f"{one.name} {one.inserted}" if one.inserted else one.name
        for one in changes(projected, insertions, deletions, gene)
        if one.in_protein
    ]


def put_back(projected: str, insertions: str, gene: str, undone: list[Change]) -> tuple[str, str]:
    """The projected sequence and the insertions without some of the mutations of `changes`."""
    bases = list(projected)
    for change in undone:
        for place in change.bases:
            bases[place] = gene[place]
    gone = {change.insertion for change in undone}
    kept = [text for text in filter(None, insertions.split(";")) if int(text.partition(":")[0]) not in gone]
    return "".join(bases), ";".join(kept)


def native(projected: str, insertions: str) -> str:
    """The sequence itself: without the gaps of the projected one, and with its insertions in their places."""
    parts, done = [], 0
    for text in filter(None, insertions.split(";")):
        place, bases = text.split(":")
        parts += [projected[done : int(place)], bases]
        done = int(place)
    return "".join([*parts, projected[done:]]).replace("-", "")


def reverted(
    projected: str, insertions: str, deletions: str, gene: str, is_projected: bool
) -> tuple[list[Change], list[str]]:
    """The mutations of a gene that a model reads, and the sequences that it reads: the gene's, then that without each.

    Arguments as of `protein_mutations`. A model of projected sequences does not read what is inserted.
    """
    found = [one for one in changes(projected, insertions, deletions, gene) if one.bases or not is_projected]
    pairs = [(projected, insertions), *(put_back(projected, insertions, gene, [one]) for one in found)]
    return found, [bases if is_projected else native(bases, inserted) for bases, inserted in pairs]


def aligned_bases(projected: str, insertions: str) -> list[int]:
    """Of each base of the sequence itself (`native`) the base of the gene that it is aligned with, 1-based.

    An inserted base has the place of the base before it.
    """
    inserted = dict(text.split(":") for text in filter(None, insertions.split(";")))
    places = [1] * len(inserted.get("0", ""))
    for place, symbol in enumerate(projected, start=1):
        places += [place] * ((symbol != "-") + len(inserted.get(str(place), "")))
    return places
