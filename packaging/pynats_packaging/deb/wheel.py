"""The wheel of a source tree that has been built in place."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from pynats_packaging.deb.archive import PackingError
from pynats_packaging.sources import COMPILED


def build_wheel(tree: Path, work: Path) -> Path:
    """Makes it in `work`. What is compiled in place is not compiled again. setuptools' own folder
    is no help: it also keeps what has left the sources."""
    _run(tree, "build_ext", "--inplace")
    for root in COMPILED:
        for source in (tree / root).rglob("*.pyx"):
            for module in source.parent.glob(f"{source.stem}.cpython-*.so"):
                target = work / "lib" / module.relative_to(tree / root)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(module, target)
    _run(
        tree,
        "egg_info", f"--egg-base={work}",
        "build", f"--build-lib={work / 'lib'}", f"--build-temp={work / 'temp'}",
        "bdist_wheel", f"--bdist-dir={work / 'bdist'}", f"--dist-dir={work / 'dist'}",
    )  # fmt: skip
    (wheel,) = (work / "dist").glob("*.whl")
    return wheel


def _run(tree: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", *arguments],
        cwd=tree, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise PackingError(f"setup.py {arguments[0]}: {done.stderr.strip()[-2000:]}")
