"""The environment in /usr/lib/pynats: packages, byte code, and the commands."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from importlib.metadata import Distribution
from pathlib import Path

from pynats_packaging.deb.distributions import files, is_licence

HOME = Path("usr/lib/pynats")
COMMANDS = {
    "pynats-server": "pynats_server.entry",
    "pynats": "pynats_cli.entry",
    "pynats-top": "pynats_top.entry",
    "pynsc": "pynsc.entry",
    "pynk": "pynk.entry",
}
# Nobody who runs the commands needs these.
DROPPED_SUFFIXES = (".pyi", ".pyx", ".pxd", ".c", ".h", ".a", ".exe")
DROPPED_NAMES = ("RECORD", "REQUESTED", "INSTALLER", "direct_url.json", "uv_cache.json")
DROPPED_FOLDERS = ("tests", "testing", "_testing")
SCRIPT = """\
#!/{home}/bin/python -I
import sys

from {module} import main

sys.exit(main())
"""


class PythonError(Exception):
    """The Python that would run the package is not the one that it was compiled for."""


def site_packages(version: str) -> Path:
    """Where packages of Python `3.11` are."""
    return HOME / "lib" / f"python{version}" / "site-packages"


def fill(
    root: Path, wheel: Path, needed: Sequence[Distribution], python: Path, version: str
) -> None:
    """Lays out the environment below `root`. `python` is the system's, of that `version`."""
    site = root / site_packages(version)
    site.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for installed in needed:
        for path, name in files(installed):
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, site / name)
    drop_needless(site)
    strip(site)
    _write_commands(root, python, version)


def drop_needless(site: Path) -> None:
    """Removes what only matters to compilers, type checkers, installers and tests. Licences are all
    in one file (`documents.copyright_text`)."""
    for path in sorted(site.rglob("*"), reverse=True):
        inside = path.relative_to(site)
        if path.is_dir():
            needless = path.name in DROPPED_FOLDERS and len(inside.parts) > 1
            if (needless and not _is_ours(inside)) or not any(path.iterdir()):
                shutil.rmtree(path)
        elif path.exists() and (
            path.suffix in DROPPED_SUFFIXES
            or path.name in DROPPED_NAMES
            or is_licence(inside.as_posix())
        ):
            path.unlink()


def _is_ours(inside: Path) -> bool:
    return inside.parts[0].startswith(("pyn", "pynats"))


def strip(site: Path) -> None:
    """Takes symbols out of compiled modules. Libraries that wheels bring were rearranged by their
    builders, and stay as they are."""
    modules = [str(path) for path in sorted(site.rglob("*.so")) if ".libs" not in str(path)]
    subprocess.run(["strip", "--strip-unneeded", *modules], check=True)
    _drop_search_paths(modules)


def _drop_search_paths(modules: list[str]) -> None:
    """Pythons that somebody has built for himself have their own folder searched for libraries: on
    another machine it may be anybody's."""
    wrong = [path for path in modules if _searches_elsewhere(path)]
    if wrong and shutil.which("chrpath") is None:
        raise PythonError(f"chrpath is needed: this Python puts its own folder into {wrong[0]}")
    if wrong:
        subprocess.run(["chrpath", "--delete", *wrong], check=True, capture_output=True)


def _searches_elsewhere(module: str) -> bool:
    said = subprocess.run(
        ["readelf", "-d", module], capture_output=True, text=True, check=True
    ).stdout
    paths = re.findall(r"\(R(?:UN)?PATH\).*\[(.*)\]", said)
    return any(not each.startswith("$ORIGIN") for path in paths for each in path.split(":"))


def _write_commands(root: Path, python: Path, version: str) -> None:
    home = root / HOME
    (home / "bin").mkdir()
    up = "/".join(".." for _ in (*HOME.parts[1:], "bin"))  # from usr/lib/pynats/bin to usr
    (home / "bin/python").symlink_to(
        Path(up) / python.relative_to("/usr") if python.is_relative_to("/usr") else python
    )
    (home / "pyvenv.cfg").write_text(
        f"home = {python.parent}\ninclude-system-site-packages = false\nversion = {version}\n"
    )
    (root / "usr/bin").mkdir(parents=True)
    for name, module in COMMANDS.items():
        script = home / "bin" / name
        script.write_text(SCRIPT.format(home=HOME, module=module))
        script.chmod(0o755)
        (root / "usr/bin" / name).symlink_to(Path("../lib/pynats/bin") / name)


def compile_all(root: Path, python: Path, version: str) -> None:
    """Byte code, as the server's user could not write it. It holds whatever the times of the files
    are, because nobody changes these; and the same sources make the same bytes."""
    subprocess.run(
        [
            str(python), "-I", "-m", "compileall", "-q", "-j", "0",
            "--invalidation-mode", "unchecked-hash",
            "-s", str(root), "-p", "/", str(root / site_packages(version)),
        ],
        check=True, env={"PYTHONHASHSEED": "0"},
    )  # fmt: skip


def check_python(python: Path, version: str) -> None:
    """Raises PythonError unless it is of that version."""
    said = subprocess.run(
        [str(python), "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    if said != version:
        raise PythonError(
            f"{python} is Python {said}, and the modules were compiled for {version}: "
            f"make clean, and make setup PYTHON={python}"
        )
