"""Modules of the data plane import only those above them in the table of docs/ARCHITECTURE.md."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CORE = ROOT / "server/pynats_server/core"
KNOWS = re.compile(r"^\s*(?:from|c?import)\s+pynats_server\.core\.(\w+)", re.MULTILINE)


def table() -> list[str]:
    """The modules in their order; a folder counts as one."""
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    rows = text.partition("## Data plane")[2].partition("\n\n**")[0]
    first = re.findall(r"^\|([^|]+)\|", rows, re.MULTILINE)
    return [name.rstrip("/") for cell in first for name in re.findall(r"`([\w/]+)`", cell)]


def test_every_module_knows_only_those_above_it() -> None:
    order = table()
    wrong = []
    for path in sorted(CORE.rglob("*")):
        if path.suffix not in (".py", ".pyi", ".pyx", ".pxd") or path.name == "__init__.py":
            continue
        own = path.relative_to(CORE).parts[0].partition(".")[0]
        assert own in order, f"{own} is not in the table"
        for known in KNOWS.findall(path.read_text()):
            if known != own and order.index(known) > order.index(own):
                wrong.append((path.name, known))
    assert wrong == []
