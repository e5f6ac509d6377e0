"""Builds, verifies and lists a release."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from pynats_common.program.epoch import EpochError

from pynats_packaging.release.interpreters import (
    Interpreter,
    discovered,
    probe,
    usual_folders,
    wanted_versions,
)
from pynats_packaging.release.inventory import CHECKSUMS, bill_of_materials, write_checksums
from pynats_packaging.release.running import ReleaseError, run, say
from pynats_packaging.release.source import (
    exported,
    refuse_changes,
    source_distribution,
    unpack_changes,
)
from pynats_packaging.release.tools import Tools
from pynats_packaging.release.verifying import verify_compiled, verify_tools
from pynats_packaging.release.wheels import TOOLS_PLATFORMS, compiled_wheel, tools_wheel
from pynats_packaging.sources import ROOT, source_epoch

PATTERNS = ("pynats_toolbox-*", CHECKSUMS)  # what is ours in dist/


def main(arguments: list[str]) -> str | None:
    """One run; returns what is wrong."""
    parser = argparse.ArgumentParser("python -m pynats_packaging.release", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the results")
    parser.add_argument("--work", type=Path, default=ROOT / "build/release",
                        help="folder for everything else; what is there is used again")  # fmt: skip
    parser.add_argument("--python", type=Path, action="append", default=[],
                        help="build wheels for this one only (may be repeated)")  # fmt: skip
    parser.add_argument("--dirty", action="store_true", help="with changes that are not committed")
    options = parser.parse_args(arguments)
    os.umask(0o022)
    try:
        if not options.dirty:
            refuse_changes(ROOT)
        build(options.out.resolve(), options.work.resolve(), interpreters(options.python))
    except (ReleaseError, EpochError) as error:
        return f"release: {error}"
    return None


def interpreters(given: Iterable[Path]) -> list[Interpreter]:
    """Those to build for. Says which are missing."""
    versions = wanted_versions(ROOT / "pyproject.toml")
    if chosen := list(given):
        found = {path: probe(path) for path in chosen}
        for path, one in found.items():
            if one is None:
                raise ReleaseError(f"{path} is no CPython that modules can be compiled for")
        return [one for one in found.values() if one is not None]
    best = discovered(versions, usual_folders())
    for version in versions:
        if version not in best:
            say(f"NO WHEEL for CPython {version}: there is none here (with its header files)")
    if not best:
        raise ReleaseError("there is no Python here to build for")
    return list(best.values())


def build(out: Path, work: Path, pythons: list[Interpreter]) -> None:
    """Everything. Raises ReleaseError."""
    epoch = source_epoch(ROOT)
    work.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    for pattern in PATTERNS:
        for old in out.glob(pattern):
            old.unlink()
    tools = Tools.prepared(work / "tools")
    archive = _sdist(work, epoch)
    rows = [(_kept(archive, out), "the same in two builds")]
    source = work / "source"
    unpack_changes(archive, source)
    for platform in TOOLS_PLATFORMS:
        wheel = tools_wheel(platform, source, work, tools, epoch)
        verify_tools(wheel, work, tools)
        rows.append((_kept(wheel, out), "installs on its system; the same in two builds"))
    for python in pythons:
        say(f"CPython {python.full_name} ({python.path}): building")
        started = time.monotonic()
        wheel = _kept(compiled_wheel(python, source, work, tools, epoch), out)
        took = time.monotonic() - started
        verified = verify_compiled(wheel, python, work, tools, ROOT / ".ci/smoke.py")
        bill = bill_of_materials(wheel, verified.environment, ROOT / "pyproject.toml", tools, epoch)
        rows.append((
            wheel,
            f"built in {took:.0f} s; works; installed {_size(verified.size)}; pynats --help "
            f"{verified.help_s * 1000:.0f} ms, server ready {verified.ready_s * 1000:.0f} ms",
        ))  # fmt: skip
        rows.append((bill, "valid CycloneDX"))
    sums = write_checksums(out)
    run(["sha256sum", "--check", "--strict", sums.name], out)
    for path, note in rows:
        say(f"{path.name}  {_size(path.stat().st_size)}  {note}")
    say(f"{len(rows)} files and {CHECKSUMS} in {out}")


def _sdist(work: Path, epoch: int) -> Path:
    """The source distribution, made twice, because it must come out the same."""
    tree = exported(ROOT, work / "tree")
    first = source_distribution(tree, work / "first", epoch)
    second = source_distribution(exported(ROOT, work / "tree"), work / "second", epoch)
    if first.read_bytes() != second.read_bytes():
        raise ReleaseError(f"{first.name} comes out differently each time")
    return first


def _kept(file: Path, out: Path) -> Path:
    return Path(shutil.copy2(file, out))


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.0f} kB"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
