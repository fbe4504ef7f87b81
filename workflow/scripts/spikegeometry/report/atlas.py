"""The atlas: one page with its data, its programs and the plotting library inside, that asks no network."""

import json
from html import escape
from string import Template
from typing import Any

from plotly.offline import get_plotlyjs

PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval';
  style-src 'unsafe-inline'; img-src data: blob:; connect-src data: blob:; worker-src blob:">
<title>$title</title>
<link rel="icon" href="data:,">
<style>
$style
</style>
$body
<script type="application/json" id="atlas">$data</script>
<script>$library</script>
<script type="module">
$program
</script>
</html>
""")


def atlas_page(data: dict[str, Any], style: str, body: str, programs: list[str]) -> str:
    """HTML of the atlas. `programs` are the texts of its JavaScript files, in order; they share one scope."""
    return PAGE.substitute(
        title=escape(f"Atlas of {data['run']}"),
        style=style,
        body=body,
        data=embedded(data),
        library=get_plotlyjs(),
        program="\n".join(programs),
    )


def embedded(data: Any) -> str:
    """JSON for a script element: no text in it can end the element or begin another."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
