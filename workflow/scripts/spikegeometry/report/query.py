"""The page of answers for genomes without a class: one file that needs nothing else."""

from html import escape
from string import Template
from typing import Any

import pandas as pd

from spikegeometry.report.pages import LONG, TABLES, html_cell, html_table, plain_page

# Beyond so many rows a browser gets slow; the table has them all.
SHOWN = 2000
# Columns of the page, by their names there, before the one that unfolds.
SHOWN_COLUMNS = {
    "name": "name",
    "class": "class",
    "probability": "probability",
    "runner_up": "next class",
    "runner_up_probability": "its probability",
    "abstain": "abstains",
    "margin": "margin",
    "gene_coverage": "gene known",
}
# The track of a protein, in units of its drawing; what is named on it, at most.
WIDTH, HEIGHT, BASELINE, NAMED = 600, 90, 60, 3
# What one mutation must carry at least, for a track to be drawn.
LEAST_DRAWN = 0.01

STYLE = (
    TABLES
    + """td:first-child { min-width: 8rem; }
/* Names of classes in one piece, if they are not long. */
td:nth-child(2), td:nth-child(4) { min-width: 5rem; }
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid; }
th[aria-sort="ascending"] button::after { content: " \\2191"; }
th[aria-sort="descending"] button::after { content: " \\2193"; }
summary { cursor: pointer; }
dl { margin: .3rem 0; }
dt { font-weight: 600; }
dd { margin: 0 0 .3rem; }
svg { width: 100%; min-width: 20rem; height: auto; }
svg text { font-size: 11px; fill: currentColor; }
svg line { stroke: currentColor; }
svg .against { stroke-dasharray: 2 2; }
"""
)
BODY = Template("""$cautions
<p>$summary</p>
<p>The model knows the classes $classes and no other. Where a genome is not enough like any of them it abstains: the
class is then the likeliest of the known ones, and not an answer. The probability is the model's own.</p>
<h2>The model</h2>
$about
<h2>Classes</h2>
$counts
<h2>Genomes</h2>
<p>The margin is the score less the threshold of the class: under 0 the model abstains. Mutations are against the
reference; codons with unknown bases say nothing. What carries an answer was measured by putting each mutation back, one
at a time: the number is how much the logarithm of the probability then falls, 0.69 where the probability is halved. It
says what this model reads, not what the virus does. Choose a column's name to sort by it, a cell to unfold it.</p>
$note
<p><label>Show only rows with <input id="filter" type="search" placeholder="a name, class or mutation"></label>
<span id="shown" role="status"></span></p>
<div class="scroll">$rows</div>
<script>
const table = document.querySelector(".scroll table");
const body = table.tBodies[0];
const value = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent;
for (const [column, head] of [...table.tHead.rows[0].cells].entries()) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const order = (one, other) => value(one, column).localeCompare(value(other, column), "en", { numeric: true });
    body.append(...[...body.rows].sort((one, other) => (up ? order(one, other) : order(other, one))));
  });
}
document.getElementById("filter").addEventListener("input", ({ target }) => {
  const wanted = target.value.toLowerCase();
  for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  const left = [...body.rows].filter((row) => !row.hidden).length;
  document.getElementById("shown").textContent = wanted ? `$${left} rows` : "";
});
</script>""")


def query_page(
    answers: pd.DataFrame, reversions: pd.DataFrame, query: str, run: str, about: dict, residues: int
) -> str:
    """HTML of a table of answers (`evaluation.queries.answer_table`); `query` and `run` are names.

    `reversions`: accession, mutation, residue and carried, of the genomes that are explained; `about` is from
    `report.front.about_model`; `residues` is the length of the protein.
    """
    rejected = int(answers["abstain"].isna().sum())
    abstained = int((answers["abstain"] == "yes").sum())
    called = answers[answers["abstain"] == "no"]
    classes = about["classes"]
    counts = called["class"].value_counts().reindex(classes, fill_value=0)
    summary = (
        f"{len(answers):,} genomes were read: {len(called):,} have a class, from {abstained:,} the model abstains, "
        f"{rejected:,} were rejected. All are in predictions.tsv."
    )
    note = f"<p>The first {SHOWN:,} of {len(answers):,}.</p>" if len(answers) > SHOWN else ""
    explained = dict(iter(reversions.groupby("accession")))
    shown = answers.head(SHOWN)
    heads = [*SHOWN_COLUMNS.values(), "why"]
    rows = [
        [*(html_cell(row[column]) for column in SHOWN_COLUMNS), _why(row, explained.get(row["name"]), residues)]
        for row in shown.to_dict("records")
    ]
    body = BODY.substitute(
        cautions="".join(f'<p role="alert"><strong>{escape(text)}</strong></p>\n' for text in about["cautions"]),
        summary=escape(summary),
        about="".join(f"<p>{escape(text)}</p>\n" for text in about["sentences"]),
        classes=escape(", ".join(classes)),
        counts=html_table(["class", "genomes"], [[html_cell(name), html_cell(n)] for name, n in counts.items()]),
        note=note,
        rows=html_table(heads, rows),
    )
    return plain_page(f"Classes of {query}, by the model of {run}", STYLE, body)


def _why(row: dict[str, Any], reversions: pd.DataFrame | None, residues: int) -> str:
    """The cell that unfolds: what carries the answer, the mutations, and what the sequence is near to."""
    if pd.isna(row["abstain"]):
        return f'<td class="long">{escape(row["detail"])}</td>'
    near = "{nearest} ({nearest_class}): {nearest_differences} of {nearest_compared} bases differ"
    parts = {
        "Carried by": row["carried_by"],
        "Mutations of the protein": row["mutations"] or "none",
        f"Of the mutations that define {row['class']}": row["defining"],
        "Nearest training sequence": "" if pd.isna(row["nearest"]) else near.format_map(row),
        "The model abstains": row["detail"],
    }
    told = {head: text for head, text in parts.items() if not (pd.isna(text) or text == "")}
    first = next(iter(told.values()))
    listed = "".join(f"<dt>{escape(head)}</dt><dd>{escape(text)}</dd>" for head, text in told.items())
    drawn = "" if reversions is None else _track(reversions, residues)
    shortened = first if len(first) <= 2 * LONG else first[: 2 * LONG].rsplit(" ", 1)[0] + " ..."
    return f'<td class="long"><details><summary>{escape(shortened)}</summary>{drawn}<dl>{listed}</dl></details></td>'


def _track(reversions: pd.DataFrame, residues: int) -> str:
    """The protein as a line with what each mutation carries: up where it carries the answer, down where it opposes."""
    most = reversions["carried"].abs().max()
    if not most >= LEAST_DRAWN:
        return ""
    named = set(reversions.nlargest(NAMED, "carried").index)
    marks = []
    for number, one in zip(reversions.index, reversions.itertuples(index=False), strict=True):
        x, end = (
            WIDTH * one.residue / residues,
            BASELINE - one.carried / most * (BASELINE - 18 if one.carried > 0 else 20),
        )
        side = "" if one.carried > 0 else ' class="against"'
        marks.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{BASELINE}" y2="{end:.1f}"{side}/>')
        if number in named and one.carried > 0:
            anchor = "end" if x > WIDTH / 2 else "start"
            marks.append(f'<text x="{x:.1f}" y="{end - 4:.1f}" text-anchor="{anchor}">{escape(one.mutation)}</text>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="What each mutation carries, along the protein">'
        f'<line x1="0" x2="{WIDTH}" y1="{BASELINE}" y2="{BASELINE}"/>{"".join(marks)}'
        f'<text x="0" y="{HEIGHT - 2}">residue 1</text>'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 2}" text-anchor="middle">longest line: {most:.2f}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 2}" text-anchor="end">{residues}</text></svg>'
    )
