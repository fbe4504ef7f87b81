"""Make the files of a new analysis from the templates of tools/analysis: python tools/new-analysis.py NAME "Its title"

They hold an analysis that works, the norm of k-mers by layer, to be changed into the one that is wanted.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "tools/analysis"
LIBRARY = "workflow/scripts/spikegeometry"
FILES = {
    "analysis.py": f"{LIBRARY}/analyses/new_analysis.py",
    "figure.py": f"{LIBRARY}/figures/new_analysis.py",
    "script.py": "workflow/scripts/new_analysis.py",
    "plot_script.py": "workflow/scripts/plot_new_analysis.py",
    "rules.smk": "workflow/rules/analyses/new_analysis.smk",
    "caption.rst": "workflow/report/new_analysis.rst",
    "test.py": "tests/unit/test_new_analysis.py",
}
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
# Where the blocks of the analyses begin.
BLOCKS = re.compile(r"^  analyses:\n(?:    .*\n)*?    properties:\n", re.MULTILINE)


def main(name: str, title: str) -> None:
    if not re.fullmatch(r"[a-z][a-z_]*[a-z]", name):
        sys.exit(f"The name of an analysis has small letters and underscores: {name}")

    def filled(template: str) -> str:
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        return text.replace("new_analysis", name).replace("TITLE", title)

    texts = {ROOT / path.replace("new_analysis", name): filled(template) for template, path in FILES.items()}
    if there := [str(path.relative_to(ROOT)) for path in texts if path.exists()]:
        sys.exit(f"There is already {', '.join(there)}")
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    schema = SCHEMA.read_text(encoding="utf-8")
    place = BLOCKS.search(schema).end()
    SCHEMA.write_text(schema[:place] + filled("schema.yaml") + schema[place:], encoding="utf-8")
    for path in (*texts, SCHEMA):
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    name, *title = sys.argv[1:]
    main(name, title[0] if title else name.replace("_", " ").capitalize())
