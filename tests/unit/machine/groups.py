"""Control groups as files."""

from __future__ import annotations

from pathlib import Path


def laid_out(folder: Path, group: str, files: dict[str, str]) -> tuple[Path, Path]:
    """Where a process reads which groups it is in, and the hierarchy that has these files."""
    hierarchy = folder / "hierarchy"
    for name, text in files.items():
        (hierarchy / name).parent.mkdir(parents=True, exist_ok=True)
        (hierarchy / name).write_text(text)
    groups = folder / "cgroup"
    groups.write_text(group)
    return groups, hierarchy
