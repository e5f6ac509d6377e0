"""Imports point one way: common <- server, common <- tools; the data plane knows nothing above it
(docs/ARCHITECTURE.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = re.compile(r"^\s*(?:from|import|cimport)\s+(pyn\w+(?:\.\w+)*)", re.MULTILINE)

# Folder -> the packages of ours that its modules may import, themselves apart.
ALLOWED = {
    "common/pynats_common": (),
    "server/pynats_server/core": (),
    "server/pynats_server/jetstream/store": ("pynats_common", "pynats_server.core"),
    "server/pynats_server": ("pynats_common",),
    "tools/nats_cli/pynats_cli": ("pynats_common",),
    "tools/nsc/pynsc": ("pynats_common",),
    "tools/nk/pynk": ("pynats_common",),
    "bench/pynats_bench": ("pynats_common", "pynats_server"),
}


def imports_of(folder: Path) -> Iterator[tuple[str, str]]:
    """(file, imported module of ours)"""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".pyx", ".pxd", ".pyi"):
            for found in OURS.finditer(path.read_text()):
                yield str(path.relative_to(ROOT)), found[1]


@pytest.mark.parametrize("folder", ALLOWED)
def test_imports_point_one_way(folder: str) -> None:
    own = folder.partition("/pyn")[2]
    package = "pyn" + own.replace("/", ".")
    allowed = (package, *ALLOWED[folder])
    wrong = [
        (file, module)
        for file, module in imports_of(ROOT / folder)
        if not any(module == name or module.startswith(name + ".") for name in allowed)
    ]
    assert wrong == []


def test_every_source_root_has_its_rule() -> None:
    packages = {
        str(path.parent.relative_to(ROOT))
        for root in ("common", "server", "tools", "bench")
        for path in (ROOT / root).glob("**/__init__.py")
        if not (path.parent.parent / "__init__.py").exists()
    }
    assert packages <= set(ALLOWED)
