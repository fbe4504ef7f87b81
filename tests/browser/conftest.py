"""Chromium without a window and without a network, and pages of the atlas in it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from small_atlas import CLASSES, Size, contents, page

NAMES = ("chromium", "chromium-browser", "google-chrome")
# As root there is no sandbox; the space in three dimensions is drawn by the processor.
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser: install one of {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@dataclass
class Opened:
    """A page of the atlas, and what went wrong in it."""

    page: Page
    file: Path
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def show(self, address: str) -> Page:
        """Load the page afresh at an address, and wait until it is drawn."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.file.as_uri()}#{address}")
        return self.settle()

    def settle(self) -> Page:
        """Wait until what was asked for is drawn."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
        return self.page

    def rows(self, caption: str) -> list[list[str]]:
        """The cells of the table whose caption begins so."""
        return self.page.evaluate(
            """(start) => {
              const begins = (one) => one.caption.textContent.startsWith(start);
              const table = [...document.querySelectorAll("main table")].find(begins);
              return [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent));
            }""",
            caption,
        )

    def figures(self) -> list[dict]:
        """Title, label and the first trace's values of each figure that is shown."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll("main figure:not([hidden]) .js-plotly-plot")].map((area) => {
              const title = area.closest("figure").querySelector("figcaption span").textContent;
              const { x, y, z } = area.data[0];
              return { title, label: area.getAttribute("aria-label"), x, y, z };
            })"""
        )


@pytest.fixture(scope="module")
def open_atlas(browser, tmp_path_factory):
    """A function from the HTML of an atlas to the page, opened without a network."""
    contexts = []

    def open_it(html: str, **options) -> Opened:
        file = tmp_path_factory.mktemp("atlas") / "atlas.html"
        file.write_text(html, encoding="utf-8")
        contexts.append(browser.new_context(offline=True, **options))
        opened = Opened(contexts[-1].new_page(), file)
        opened.page.on("console", lambda message: message.type == "error" and opened.errors.append(message.text))
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        return opened

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def small(open_atlas) -> Opened:
    """A small atlas."""
    return open_atlas(page(contents(Size(), CLASSES)))
