"""Every page runs from top to bottom: its commands say what it shows, its programs run, and its
configurations are accepted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.page import read
from tests.docs.pages.every import FOLDERS, PAGES
from tests.docs.running import NOT_YET, run_page

ROOT = Path(__file__).parents[2]
WRITTEN = sorted(
    name
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if not (name := path.relative_to(ROOT).as_posix()).startswith(
        tuple(f"docs/{made}" for made in (*PAGES, *FOLDERS))  # by `make pages`
    )
)


@pytest.mark.parametrize("page", WRITTEN)
def test_a_page_is_true(
    page: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    counts = run_page(read(ROOT / page, page), tmp_path)
    record_property("ran", counts.ran)
    record_property("not run", counts.reasons)


def test_pages_with_blocks_of_no_language_become_fewer() -> None:
    for page in NOT_YET:
        assert any(not block.language for block in read(ROOT / page, page)), f"take out {page}"
