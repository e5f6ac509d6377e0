"""Every page runs from top to bottom: its commands say what it shows, its programs run, and its
configurations are accepted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.checks import unrun
from tests.docs.page import read
from tests.docs.running import NOT_YET, run_page

ROOT = Path(__file__).parents[2]
# Made from the code's own tables, by `make pages`.
GENERATED = ("docs/reference/cli.md", "docs/reference/configuration.md")
PAGES = sorted(
    name
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if (name := path.relative_to(ROOT).as_posix()) not in GENERATED
)
# They run the real server as well; otherwise they are only read.
OF_BOTH_SERVERS = ("docs/guides/migrate.md",)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.reference] * (page in OF_BOTH_SERVERS))
        for page in PAGES
    ],
)
def test_a_page_is_true(
    page: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    counts = run_page(read(ROOT / page, page), tmp_path)
    record_property("ran", counts.ran)
    record_property("not run", counts.reasons)


@pytest.mark.parametrize("page", OF_BOTH_SERVERS)
def test_a_page_of_both_servers_can_be_read(page: str) -> None:
    for block in read(ROOT / page, page):
        unrun(block)


def test_pages_with_blocks_of_no_language_become_fewer() -> None:
    for page in NOT_YET:
        assert any(not block.language for block in read(ROOT / page, page)), f"take out {page}"
