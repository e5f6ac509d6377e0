"""From a folder to a .deb: control fields, checksums, permissions, times."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "config")


class PackingError(Exception):
    """A package cannot be built; the text says why."""


def architecture() -> str:
    """What Debian calls this machine's."""
    return _run("dpkg", "--print-architecture").strip()


def library_dependencies(root: Path, scratch: Path) -> str:
    """What compiled modules need of Debian's libraries, as dpkg-shlibdeps finds it."""
    (scratch / "debian").mkdir(parents=True)
    (scratch / "debian/control").write_text(
        "Source: pynats\n\nPackage: pynats\nArchitecture: any\n"
    )
    modules = sorted(root.rglob("*.so")) + sorted(root.rglob("*.so.*"))
    own = sorted({f"-l{path.parent}" for path in modules if ".libs" in str(path)})
    said = _run(
        "dpkg-shlibdeps", "-O", "--ignore-missing-info", *own,
        *(f"-e{path}" for path in modules), cwd=scratch,
    )  # fmt: skip
    for line in said.splitlines():
        name, _, value = line.partition("=")
        if name == "shlibs:Depends":
            return value
    raise PackingError(f"dpkg-shlibdeps found nothing in {root}")


def control(fields: Mapping[str, str]) -> str:
    """The text of a `control` file. A description has a first line and paragraphs."""
    lines = []
    for name, value in fields.items():
        first, *rest = value.strip().splitlines()
        lines.append(f"{name}: {first}")
        lines += [f" {line}" if line.strip() else " ." for line in rest]
    return "\n".join(lines) + "\n"


def pack(root: Path, fields: Mapping[str, str], out: Path, epoch: int) -> Path:
    """Makes the package of `root`, in which DEBIAN/ has the scripts already."""
    info = root / "DEBIAN"
    info.mkdir(exist_ok=True)
    contents = sorted(path for path in root.rglob("*") if info not in (path, *path.parents))
    plain = [path for path in contents if path.is_file() and not path.is_symlink()]
    (info / "md5sums").write_text(
        "".join(
            f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n"
            for path in plain
        )
    )
    kilobytes = sum(-(-path.stat().st_size // 1024) for path in plain)
    kilobytes += len(contents) - len(plain)
    (info / "control").write_text(control({**fields, "Installed-Size": str(kilobytes)}))
    _settle(root, epoch)
    out.mkdir(parents=True, exist_ok=True)
    made = out / f"{fields['Package']}_{fields['Version']}_{fields['Architecture']}.deb"
    _run(
        "dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(root), str(made),
        environ={"SOURCE_DATE_EPOCH": str(epoch)},
    )  # fmt: skip
    return made


def _settle(root: Path, epoch: int) -> None:
    """Permissions and times that do not depend on who builds, and when."""
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or (path.parent.name == "DEBIAN" and path.name in SCRIPTS)
            runs = runs or (path.parent.name == "bin" and os.access(path, os.X_OK))
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _run(*command: str, cwd: Path | None = None, environ: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(environ or {})}, capture_output=True, text=True
    )
    if done.returncode:
        raise PackingError(f"{' '.join(command[:2])}: {done.stderr.strip()[-2000:]}")
    return done.stdout
