"""Writes every completion script into a folder: bash/PROGRAM, zsh/_PROGRAM, fish/PROGRAM.fish."""

from __future__ import annotations

import sys
from pathlib import Path

from pynats_packaging.completions.files import completion_files


def main(arguments: list[str]) -> str | None:
    """One run; returns what is wrong."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        return "usage: python -m pynats_packaging.completions FOLDER"
    files = completion_files()
    for name, text in files.items():
        path = Path(arguments[0]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"completions: {len(files)} scripts in {arguments[0]}")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
