"""The frame of a page that needs no program: its head, its style, and the tables that stand in it."""

from html import escape
from string import Template

import pandas as pd

# Letters of a cell that is given room for several lines.
LONG = 40
# Style of a page of tables.
TABLES = """:root { font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 80rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #8886; }
td { overflow-wrap: anywhere; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.long { min-width: 14rem; max-width: 34rem; font-size: .9em; }
.scroll { overflow-x: auto; }
"""
PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$title</title>
<style>
:root { color-scheme: light dark; }
body { margin: 2rem auto; padding: 0 1rem; }
$style</style>
<h1>$title</h1>
$body
</html>
""")


def plain_page(title: str, style: str, body: str) -> str:
    """HTML of a page in light or dark. `title` is text; `style` is CSS that ends with a line, `body` is HTML."""
    return PAGE.substitute(title=escape(title), style=style, body=body)


def html_table(heads: list[str], rows: list[list[str]]) -> str:
    """A table of cells that are HTML, under heads that are text."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(row)}</tr>\n" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>"


def html_cell(value) -> str:
    """A cell of a table: a text, a number, or what is missing."""
    if isinstance(value, str):
        kind = ' class="long"' if len(value) > LONG else ""
        return f"<td{kind}>{escape(value)}</td>"
    shown = "" if pd.isna(value) else f"{value:,.3g}" if isinstance(value, float) else f"{value:,}"
    exact = "" if pd.isna(value) else f' data-value="{value:.9f}"' if isinstance(value, float) else ""
    return f'<td class="number"{exact}>{shown}</td>'
