"""The page of answers for genomes without a class: one file that needs nothing else."""

from html import escape
from string import Template

import pandas as pd

# Beyond so many rows a browser gets slow; the table has them all.
SHOWN = 2000
# Letters of a cell that is given room for several lines.
LONG = 40
# Columns of the page, of all that the table has, by their names there.
SHOWN_COLUMNS = {
    "name": "name",
    "class": "class",
    "probability": "probability",
    "runner_up": "next class",
    "runner_up_probability": "its probability",
    "abstain": "abstains",
    "margin": "margin",
    "gene_coverage": "gene known",
    "mutations": "mutations of the protein",
    "detail": "why not",
}

PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$title</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #8886; overflow-wrap: anywhere; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid; }
th[aria-sort="ascending"] button::after { content: " \\2191"; }
th[aria-sort="descending"] button::after { content: " \\2193"; }
td.long { min-width: 16rem; max-width: 34rem; font-size: .9em; }
</style>
<h1>$title</h1>
$warning
<p>$summary</p>
<p>The model knows the classes $classes and no other. Where a genome is not enough like any of them it abstains: the
class is then the likeliest of the known ones, and not an answer. The probability is the model's own.</p>
<h2>Classes</h2>
$counts
<h2>Genomes</h2>
<p>The margin is the score less the threshold of the class: under 0 the model abstains. Mutations are against the
reference; codons with unknown bases say nothing. Choose a column's name to sort by it.</p>
$note
<p><label>Show only rows with <input id="filter" type="search" placeholder="a name, class or mutation"></label>
<span id="shown" role="status"></span></p>
$rows
<script>
const table = document.querySelector("table:last-of-type");
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
</script>
</html>
""")


def query_page(answers: pd.DataFrame, query: str, run: str, classes: list[str], warning: str = "") -> str:
    """HTML of a table of answers (`evaluation.queries.answer_table`); `query` and `run` are names.

    `warning` is a sentence that comes first, if there is one (`report.front.warning`).
    """
    rejected = int(answers["abstain"].isna().sum())
    abstained = int((answers["abstain"] == "yes").sum())
    called = answers[answers["abstain"] == "no"]
    counts = called["class"].value_counts().reindex(classes, fill_value=0)
    summary = (
        f"{len(answers):,} genomes were read: {len(called):,} have a class, from {abstained:,} the model abstains, "
        f"{rejected:,} were rejected. All are in predictions.tsv."
    )
    note = f"<p>The first {SHOWN:,} of {len(answers):,}.</p>" if len(answers) > SHOWN else ""
    return PAGE.substitute(
        title=escape(f"Classes of {query}, by the model of {run}"),
        warning=f'<p role="alert"><strong>{escape(warning)}</strong></p>' if warning else "",
        summary=escape(summary),
        classes=escape(", ".join(classes)),
        counts=_table(pd.DataFrame({"class": counts.index, "genomes": counts.to_numpy()})),
        note=note,
        rows=_table(answers.head(SHOWN)[list(SHOWN_COLUMNS)].rename(columns=SHOWN_COLUMNS)),
    )


def _table(table: pd.DataFrame) -> str:
    head = "".join(f'<th scope="col">{escape(str(column).replace("_", " "))}</th>' for column in table)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in table.itertuples(index=False))
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>"


def _cell(value) -> str:
    if isinstance(value, str):
        kind = ' class="long"' if len(value) > LONG else ""
        return f"<td{kind}>{escape(value)}</td>"
    shown = "" if pd.isna(value) else f"{value:,.3g}" if isinstance(value, float) else f"{value:,}"
    exact = "" if pd.isna(value) else f' data-value="{value:.9f}"' if isinstance(value, float) else ""
    return f'<td class="number"{exact}>{shown}</td>'
