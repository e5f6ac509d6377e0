"""All generated pages, by their path below docs/."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pynats_server.settings.document import document as configuration

from tests.docs.pages import (
    cli,
    compatibility,
    environment,
    errors,
    flags,
    http,
    metrics,
    programs,
    python,
    subjects,
)

ROOT: Final = Path(__file__).parents[3]
DOCS: Final = ROOT / "docs"
PAGES: Final[dict[str, Callable[[], str]]] = {
    "explanation/compatibility.md": compatibility.page,
    "reference/configuration.md": configuration,
    "reference/flags.md": flags.page,
    "reference/cli.md": cli.index,
    "reference/http.md": http.page,
    "reference/metrics.md": metrics.page,
    "reference/errors.md": errors.page,
    "reference/subjects.md": subjects.page,
    "reference/environment.md": environment.page,
    "reference/python.md": python.page,
    "reference/pynsc.md": programs.pynsc,
    "reference/pynk.md": programs.pynk,
    "reference/pynats-top.md": programs.pynats_top,
}
FOLDERS: Final = ("reference/cli",)  # all of their pages are made


def made() -> Iterator[tuple[str, str]]:
    """Path and text of every page."""
    for name, make in PAGES.items():
        yield name, make()
    for name, text in cli.pages().items():
        yield f"reference/cli/{name}", text
