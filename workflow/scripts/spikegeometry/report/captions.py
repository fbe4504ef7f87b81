"""Captions of a finished run: its result first, then what the source says before the line `.. more`.

What a source says after that line stands on the page of methods, with all the rest of it.
"""

import json
import re
from collections.abc import Mapping
from html import escape

import jinja2
from docutils.core import publish_parts

from spikegeometry.report.front import plain, unmarked
from spikegeometry.report.pages import plain_page

MORE = re.compile(r"^\.\. more\s*$", re.MULTILINE)
STYLE = """:root { font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 45rem; overflow-wrap: anywhere; }
h2 { margin-top: 2.5rem; }
nav { columns: 14rem; }
pre, code, tt { font-size: .9em; }
"""


def caption(source: str, result: str | Mapping[str, str]) -> str:
    """A caption as Snakemake reads it, reStructuredText with Jinja: the result, and the source up to `.. more`.

    A result that differs between evaluated sets is chosen by the wildcard `set` of the file that is shown.
    """
    shown = MORE.split(source)[0].strip()
    if isinstance(result, str):
        text = plain(result)
    else:
        texts = ", ".join(f"{json.dumps(name)}: {json.dumps(unmarked(said))}" for name, said in result.items())
        text = f'{{{{ {{{texts}}}[snakemake.wildcards.get("set", "all")] }}}}'
    return f"**Result.** {text}\n\n{shown}\n" if result else f"{shown}\n"


def methods_page(sources: Mapping[str, str], context: Mapping[str, object], run: str) -> str:
    """HTML of all captions with what stands behind `.. more`, in the order of their names."""
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    sections, contents = [], []
    for name, source in sorted(sources.items()):
        text = environment.from_string(MORE.sub("", source)).render(context)
        body = publish_parts(text, writer="html", settings_overrides={"report_level": 4})["fragment"]
        title = name.replace("spikes", "gene sequences").replace("kmer", "k-mer").replace("_", " ").capitalize()
        contents.append(f'<a href="#{escape(name)}">{escape(title)}</a><br>')
        sections.append(f'<section id="{escape(name)}">\n<h2>{escape(title)}</h2>\n{body}</section>')
    body = [f'<nav aria-label="Contents">{"".join(contents)}</nav>', *sections]
    return plain_page(f"Methods of the run {run}", STYLE, "\n".join(body))
