"""Every page runs from top to bottom: its commands say what it shows, its programs run, and its
configurations are accepted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.docs.checks import unrun
from tests.docs.page import read
from tests.docs.pages.every import FOLDERS, PAGES
from tests.docs.running import run_page

ROOT = Path(__file__).parents[2]
WRITTEN = sorted(
    name
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if not (name := path.relative_to(ROOT).as_posix()).startswith(
        tuple(f"docs/{made}" for made in (*PAGES, *FOLDERS))  # by `make pages`
    )
)
# They run the real server as well; otherwise they are only read.
OF_BOTH_SERVERS = ("docs/guides/migrate.md",)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.reference] * (page in OF_BOTH_SERVERS))
        for page in WRITTEN
    ],
)
def test_a_page_is_true(
    page: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    counts = run_page(read(ROOT / page, page), tmp_path, tidy=page.startswith("docs/tutorial/"))
    record_property("ran", counts.ran)
    record_property("not run", counts.reasons)


def test_no_code_is_without_a_fence() -> None:
    """Indented code is code on the site, and nobody would run it."""
    for page in WRITTEN:
        for token in MarkdownIt().parse((ROOT / page).read_text()):
            assert token.type != "code_block", (
                f"{page}:{(token.map or [0])[0] + 1}: {token.content}"
            )


@pytest.mark.parametrize("page", OF_BOTH_SERVERS)
def test_a_page_of_both_servers_can_be_read(page: str) -> None:
    for block in read(ROOT / page, page):
        unrun(block)
