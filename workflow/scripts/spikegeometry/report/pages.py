"""The frame of a page that needs no program: its head, its style, and what stands in it."""

from html import escape
from string import Template

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
