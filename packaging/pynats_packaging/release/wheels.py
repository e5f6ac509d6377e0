"""Wheels: compiled ones, and those of the command line tools for systems without epoll."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from pynats_packaging.release.interpreters import Interpreter
from pynats_packaging.release.running import Environment, ReleaseError, run
from pynats_packaging.release.tools import Tools
from pynats_packaging.sources import COMPILED

# Systems for which there is a wheel of Python code; its tag names the system (setup.py).
TOOLS_PLATFORMS = ("win-amd64", "win-arm64", "macosx-11.0-arm64", "macosx-10.13-x86_64")

_LONG_AGO = 1_000_000_000
_CHECK_MODULES = """
import sys, zipfile
from io import BytesIO
from elftools.elf.elffile import ELFFile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    modules = [name for name in wheel.namelist() if name.endswith(".so")]
    for name in modules:
        module = ELFFile(BytesIO(wheel.read(name)))
        sections = {one.name for one in module.iter_sections()}
        if ".symtab" in sections or any(one.startswith(".debug") for one in sections):
            sys.exit(f"{name} has symbols that nobody needs")
        tags = {one.entry.d_tag for one in module.get_section_by_name(".dynamic").iter_tags()}
        if tags & {"DT_RPATH", "DT_RUNPATH"}:
            sys.exit(f"{name} looks for libraries in folders of this machine: remove build/")
print(len(modules))
"""


def compiled_wheel(
    interpreter: Interpreter, source: Path, work: Path, tools: Tools, epoch: int
) -> Path:
    """The wheel for one Python, with the tag that says on which Linux it works."""
    build = tools.environment_for(work / f"build-{interpreter.name}", interpreter.path,
                                  "build>=1.2", "setuptools>=77", "Cython>=3.1,<4")  # fmt: skip
    age_cython(build)
    raw = work / f"raw-{interpreter.name}"
    shutil.rmtree(raw, ignore_errors=True)
    run([build.python, "-m", "build", "--wheel", "--no-isolation", "-o", raw, source], epoch=epoch)
    (wheel,) = raw.iterdir()
    modules = int(run([tools.python, "-c", _CHECK_MODULES, wheel]))
    expected = sum(1 for root in COMPILED for _ in (source / root).rglob("*.pyx"))
    if modules != expected:
        raise ReleaseError(f"{wheel.name} has {modules} compiled modules, not {expected}")
    repaired = work / f"repaired-{interpreter.name}"
    shutil.rmtree(repaired, ignore_errors=True)
    run([tools.bin / "auditwheel", "repair", "-w", repaired, wheel], epoch=epoch, PATH=tools.path)
    (fit,) = repaired.iterdir()
    if not re.search("-(many|musl)linux_", fit.name):
        raise ReleaseError(f"auditwheel finds no tag for {fit.name}")
    return fit


def age_cython(build: Environment) -> None:
    """Makes Cython's own declarations old: C is made anew if what it was made of is younger, and in
    each environment they are as young as that. A different Cython makes everything anew (setup.py).
    """
    for path in build.folder.glob("lib/python3.*/site-packages/Cython/**/*.p[xy]*"):
        os.utime(path, (_LONG_AGO, _LONG_AGO))


def tools_wheel(platform: str, source: Path, work: Path, tools: Tools, epoch: int) -> Path:
    """The wheel of the command line tools for a system. Built twice, because it must come out
    the same."""
    made: list[Path] = []
    for attempt in ("first", "second"):
        tree, out = work / "tools-source", work / f"tools-{platform}-{attempt}"
        for folder in (tree, out):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source, tree, ignore=shutil.ignore_patterns("build", "*.egg-info"))
        run(
            # Without Cython, which is needed on Linux alone.
            [tools.python, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check",
             "-o", out, tree],
            epoch=epoch, _PYTHON_HOST_PLATFORM=platform, CC="/bin/false",
        )  # fmt: skip
        made += out.iterdir()
    first, second = made
    if first.name != second.name or first.read_bytes() != second.read_bytes():
        raise ReleaseError(f"{first.name} comes out differently each time")
    if first.name.endswith("-any.whl"):
        raise ReleaseError(f"{first.name} would be installed everywhere")
    return first
