"""How mutations of a gene are written in its protein."""

from spikegeometry.sequences.codons import CODON
from spikegeometry.sequences.translation import translate


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


def protein_mutations(projected: str, insertions: str, deletions: str, gene: str) -> list[str]:
    """The mutations of a gene in its protein, in their order: N501Y, del 69-70, ins 214 EPE, frameshift from 12.

    `projected` has a symbol for each base of `gene`, the reference's; `insertions` and `deletions` are as in the table
    of gene sequences (`position:bases` and `first-last`, 1-based, joined by `;`). A codon with a base that is not known
    says nothing; one of which a part is deleted is described with the deletion.
    """
    before, after = translate(gene), translate(projected)
    found = [
        (number, f"{old}{number}{new}")
        for number, (old, new) in enumerate(zip(before, after, strict=True), 1)
        if new not in (old, "X")
    ]
    for text in filter(None, deletions.split(";")):
        first, last = map(int, text.split("-"))
        name, residue, _ = deletion(first, last, gene)
        found.append((residue, name))
    for text in filter(None, insertions.split(";")):
        place, bases = text.split(":")
        residue = int(place) // CODON
        inserted = translate(bases) if len(bases) % CODON == 0 and int(place) % CODON == 0 else f"{len(bases)} bases"
        found.append((residue, f"ins {residue} {inserted}"))
    return [name for _, name in sorted(found, key=lambda one: one[0])]
