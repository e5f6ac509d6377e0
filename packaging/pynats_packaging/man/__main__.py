"""Writes every manual page into a folder."""

from __future__ import annotations

import sys
from pathlib import Path

from pynats_common.commandline.help.roff import page_date
from pynats_common.program.version import RELEASE

from pynats_packaging.man.pages import manual_pages


def main(arguments: list[str]) -> str | None:
    """One run; returns what is wrong."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        return "usage: python -m pynats_packaging.man FOLDER"
    try:
        date = page_date()
    except ValueError as error:
        return str(error)
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    pages = manual_pages(RELEASE, date)
    for page in pages:
        (folder / page.file).write_text(page.text, encoding="ascii")
    print(f"man: {len(pages)} pages in {folder}")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
