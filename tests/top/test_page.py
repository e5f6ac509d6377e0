"""docs/guides/top.md has every key and every column, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pynats_top.model.rows import TABLES
from pynats_top.screen.keys import KEYS
from pynats_top.screen.servers import server_columns

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "top.md").read_text(encoding="utf-8")
COLUMNS = {name: [column.title for column in columns] for name, columns in TABLES.items()}
COLUMNS["overview"] = [column.title for column in server_columns((), False, 400)]


def test_keys() -> None:
    rows = [
        f"| `{key.display}` | {key.help}{' (recording)' if key.replay else ''} |" for key in KEYS
    ]
    table = "\n".join(("| Key | What it does |", "| --- | --- |", *rows))
    assert table in PAGE, f"docs/guides/top.md is stale; its keys are\n{table}"


@pytest.mark.parametrize("name", COLUMNS)
def test_columns(name: str) -> None:
    section = PAGE.split(f"### {name.capitalize()}\n", 1)[1].split("\n#", 1)[0]
    cells = re.findall(r"^\| ([A-Z][^|]*) \|", section, re.MULTILINE)
    titles = [title for cell in cells if cell != "Column" for title in cell.split(", ")]
    assert sorted(titles) == sorted(COLUMNS[name])
