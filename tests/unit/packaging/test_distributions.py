"""What leaves the repository: a source distribution that lacks nothing, and wheels for systems
without epoll, from which the command line tools run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
SOURCE_ROOTS = ("common", "server", "tools", "bench", "packaging")
SOURCES = {".py", ".pyx", ".pxd", ".pyi", ".h", ".typed"}
TIMEOUT_S = 100


def python(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A run of this interpreter in `cwd`."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


def build(kind: str, source: Path, out: Path, **environment: str) -> Path:
    """What setuptools makes of `source`, as pip and `python -m build` ask it to."""
    backend = "import sys, setuptools.build_meta as b; getattr(b, sys.argv[1])(sys.argv[2])"
    done = python("-c", backend, f"build_{kind}", str(out), cwd=source, **environment)
    assert done.returncode == 0, done.stderr
    (built,) = out.iterdir()
    return built


def data_files() -> set[str]:
    """What packages read when they run, by its place in a wheel."""
    packages = ("common/pynats_common", "tools/nats_cli/pynats_cli", "server/pynats_server")
    found = {
        str(path.relative_to((ROOT / package).parent))
        for package in packages
        for path in (ROOT / package).rglob("*.*")
        if path.suffix in (".json", ".toml", ".tsv", ".txt", ".html", ".css", ".js", ".svg")
    }
    folders = {part for name in found for part in Path(name).parts}
    assert folders >= {"serverkeys", "schemas", "errorcodes", "cheats", "static"}
    return found


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, made from a copy, because setuptools writes beside the sources."""
    copy = tmp_path_factory.mktemp("copy") / "pynats"
    secrets = copy / "packaging/container/compose/secrets"
    others = shutil.ignore_patterns("*.so", "__pycache__", "*.egg-info")
    for item in sorted(ROOT.iterdir()):
        if item.is_file():
            copy.mkdir(exist_ok=True)
            shutil.copy(item, copy)
        elif item.name in (*SOURCE_ROOTS, "docs", "tests"):
            shutil.copytree(item, copy / item.name, ignore=others)
    secrets.mkdir()
    (secrets / "orders").write_text("password")  # of who has tried the example
    return build("sdist", copy, tmp_path_factory.mktemp("sdist"))


@pytest.fixture
def unpacked(sdist: Path, tmp_path: Path) -> Path:
    """The folder in a source distribution."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (folder,) = (tmp_path / "unpacked").iterdir()
    return folder


def test_the_source_distribution_has_every_source(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {
        str(path.relative_to(ROOT))
        for root in SOURCE_ROOTS
        for path in (ROOT / root).rglob("*")
        if path.suffix in SOURCES
    }
    assert {".pyx", ".pxd", ".h"} <= {Path(source).suffix for source in sources}
    assert sources - names == set()
    for document in ("LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "README.md"):
        assert document in names
    assert [name for name in names if Path(name).suffix in (".c", ".so", ".pyc")] == []
    assert [name for name in names if "compose/secrets/" in name] == []


def test_sources_without_a_compiled_module_build_nothing(unpacked: Path) -> None:
    lost = next((unpacked / "server").rglob("sublist.pyx"))
    lost.unlink()
    done = python("setup.py", "--version", cwd=unpacked)
    assert done.returncode != 0
    assert f"incomplete, missing: {lost.relative_to(unpacked)}" in done.stderr


def test_sources_without_any_compiled_module_build_nothing(unpacked: Path) -> None:
    for suffix in ("*.pyx", "*.pyi"):
        for path in (unpacked / "bench").rglob(suffix):
            path.unlink()
    done = python("setup.py", "--version", cwd=unpacked)
    assert done.returncode != 0
    assert "every .pyx below bench/" in done.stderr


def test_a_module_that_cannot_be_compiled_ends_the_build(unpacked: Path, tmp_path: Path) -> None:
    keep = unpacked / "server/pynats_server/core"
    for path in [*unpacked.rglob("*.pyx"), *unpacked.rglob("*.pyi")]:
        if path.stem not in ("fnv", "relay", "s2"):
            path.unlink()  # one of each root is enough, and quick
    (keep / "fnv.pyx").write_text("cdef extern from 'nowhere.h':\n    int nothing\n")
    folders = ("--build-lib", str(tmp_path / "lib"))
    done = python("setup.py", "--quiet", "build", *folders, cwd=unpacked, CFLAGS="-O0")
    assert done.returncode != 0
    assert "nowhere.h" in done.stderr
    assert "error: a compiled module could not be built" in done.stderr


# What Windows and macOS do not have, and a run of the tools as if they were there.
POSIX_ONLY = ("termios", "tty", "fcntl", "pwd", "grp", "resource", "syslog")
ELSEWHERE = """
import asyncio, importlib, pkgutil, rich.console, ssl, subprocess, sys, typer, zoneinfo
platform, wheel, *blocked = sys.argv[1:]
for name in blocked:
    sys.modules[name] = None
sys.platform = platform
sys.path.insert(0, wheel)
for package in ("pynats_common", "pynats_cli", "pynats_top", "pynsc", "pynk"):
    found = importlib.import_module(package)
    assert found.__file__.startswith(wheel), found.__file__
    for module in pkgutil.walk_packages(found.__path__, package + "."):
        importlib.import_module(module.name)
assert not [name for name in sys.modules if name.startswith("pynats_server")]

def status(function):
    try:
        return function()
    except SystemExit as end:
        return end.code

import pynats_cli.app, pynats_top.standalone, pynsc.__main__, pynk.__main__
for program, main in (
    ("pynats", pynats_cli.app.main), ("pynats-top", pynats_top.standalone.main),
    ("pynsc", pynsc.__main__.main), ("pynk", pynk.__main__.main),
):
    sys.argv = [program, "-gen", "user"] if program == "pynk" else [program, "--version"]
    assert not status(main), program
for line in ("schema ls", "errors ls", "cheat", "server generate --help"):  # these have data
    sys.argv = ["pynats", *line.split()]
    assert not status(pynats_cli.app.main), line

import pynats_server.entry, pynats_server.pytest_plugin
print(status(pynats_server.entry.main))
try:
    from pynats_server import Server
except ImportError as error:
    print(error)
ours = {name: module for name, module in sys.modules.items() if name.startswith("pynats_")}
compiled = [name for name, module in ours.items() if not module.__file__.endswith(".py")]
assert not compiled, compiled
"""


@pytest.mark.parametrize(
    ("target", "platform", "tag"),
    [
        ("win-amd64", "win32", "py3-none-win_amd64"),
        ("macosx-11.0-arm64", "darwin", "py3-none-macosx_11_0_arm64"),
    ],
)
def test_the_tools_run_from_a_wheel_for_other_systems(
    unpacked: Path, tmp_path: Path, target: str, platform: str, tag: str
) -> None:
    out = tmp_path / "wheel"
    out.mkdir()
    left = unpacked / "build/lib/pynats_common"  # by an earlier build
    left.mkdir(parents=True)
    for name in ("gone.py", "gone.so", "__init__.py"):
        (left / name).write_text("left")
    built = build("wheel", unpacked, out, _PYTHON_HOST_PLATFORM=target, CC="/bin/false")
    assert built.name.endswith(f"-{tag}.whl")
    with zipfile.ZipFile(built) as archive:
        names = archive.namelist()
        metadata = Parser().parsestr(_member(archive, "METADATA"))
        assert "Root-Is-Purelib: true" in _member(archive, "WHEEL")
        archive.extractall(tmp_path / "installed")
    assert data_files() - set(names) == set()
    assert [name for name in names if "gone" in name] == []
    assert {Path(name).suffix for name in names} & {".so", ".pyx", ".pxd", ".h", ".c"} == set()
    absent = [*_not_installed(metadata, platform), *(POSIX_ONLY if platform == "win32" else ())]
    assert "uvloop" in absent
    installed = str(tmp_path / "installed")
    done = python("-c", ELSEWHERE, platform, installed, *absent, cwd=tmp_path, HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        "pynats-server: the broker needs Linux (epoll); pynats, pynsc and pynk work here",
        "the broker needs Linux (epoll)",
    ]


def _member(archive: zipfile.ZipFile, name: str) -> str:
    (path,) = (path for path in archive.namelist() if path.endswith(f".dist-info/{name}"))
    return archive.read(path).decode()


def _not_installed(metadata: Message, platform: str) -> list[str]:
    """Import names of our dependencies that pip leaves out on `platform`."""
    requirements = map(Requirement, metadata.get_all("Requires-Dist", []))
    return [
        requirement.name
        for requirement in requirements
        if requirement.marker
        and "extra" not in str(requirement.marker)
        and not requirement.marker.evaluate({"sys_platform": platform})
    ]


def test_the_readme_has_no_links_that_a_package_index_cannot_follow() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert [target for target in targets if not target.startswith("https://")] == []
