"""Cython's checks are chosen in setup.py, so that the debug build has all of them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHECKS = "(boundscheck|wraparound|initializedcheck|nonecheck|cdivision|overflowcheck)"
# A comment at the top of a file, a decorator, a context manager.
OVERRIDE = re.compile(rf"^\s*#\s*cython\s*:.*\b{CHECKS}\b|\bcython\.{CHECKS}\b", re.MULTILINE)


def test_no_source_overrides_the_checks_of_the_build() -> None:
    sources = [
        path
        for root in ("common", "server", "bench")
        for path in sorted((ROOT / root).rglob("*"))
        if path.suffix in (".pyx", ".pxd")
    ]
    assert len(sources) > 40
    assert [
        str(path.relative_to(ROOT)) for path in sources if OVERRIDE.search(path.read_text())
    ] == []


def test_overrides_are_recognised() -> None:
    for text in (
        "# cython: boundscheck=False, wraparound=False\n",
        "# cython: language_level=3, cdivision=True\n",
        "@cython.boundscheck(False)\ncdef int f():\n",
        "    with cython.wraparound(False):\n",
    ):
        assert OVERRIDE.search(text), text


def test_the_tables_of_the_build_name_modules_that_exist() -> None:
    modules = [
        ".".join(path.relative_to(ROOT / root).with_suffix("").parts)
        for root in ("common", "server", "bench")
        for path in (ROOT / root).rglob("*.pyx")
    ]
    tables = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse((ROOT / "setup.py").read_text()).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("HOT", "UNLOCKED")
    }
    assert tables.keys() == {"HOT", "UNLOCKED"}
    for names in tables.values():
        for name in names:
            assert any(f"{module}.".startswith(f"{name}.") for module in modules), name
