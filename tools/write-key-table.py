"""Write the table of configuration keys, generated from the schema, into config/README.md."""

import re
from pathlib import Path

from spikegeometry.schema import key_table, read_schema

README = Path(__file__).resolve().parents[1] / "config/README.md"

text = README.read_text(encoding="utf-8")
table = key_table(read_schema())
README.write_text(
    re.sub(r"(?:^\|.*\n)+", lambda _: table.rstrip("\n") + "\n", text, count=1, flags=re.MULTILINE), encoding="utf-8"
)
