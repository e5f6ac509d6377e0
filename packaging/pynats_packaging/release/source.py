"""The source distribution: of what is committed, and the same bytes each time."""

from __future__ import annotations

import gzip
import io
import shutil
import sys
import tarfile
from pathlib import Path

from pynats_packaging.release.running import ReleaseError, run


def refuse_changes(root: Path) -> None:
    """Raises ReleaseError if something is not committed: nobody could build it again."""
    changed = run(["git", "status", "--porcelain"], root)
    if changed:
        raise ReleaseError(f"not committed (--dirty builds it anyway):\n{changed.rstrip()}")


def exported(root: Path, folder: Path) -> Path:
    """A copy of the files that git knows, and of new ones that it does not ignore."""
    shutil.rmtree(folder, ignore_errors=True)
    known = run(["git", "ls-files", "-z", "-co", "--exclude-standard"], root)
    for name in filter(None, known.split("\0")):
        if (root / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, target)
    return folder


def source_distribution(tree: Path, work: Path, epoch: int) -> Path:
    """The archive that setuptools makes of a tree, without what differs between two runs."""
    made = work / "sdist"
    shutil.rmtree(made, ignore_errors=True)
    run([sys.executable, "-m", "build", "--sdist", "--no-isolation", "-o", made, tree], epoch=epoch)
    (archive,) = made.iterdir()
    normalise(archive, epoch)
    return archive


def normalise(archive: Path, epoch: int) -> None:
    """Rewrites a .tar.gz: sorted, one time, nobody's files."""
    with tarfile.open(archive) as read:
        members = [
            (member, found.read() if (found := read.extractfile(member)) else b"")
            for member in sorted(read.getmembers(), key=lambda member: member.name)
        ]
    other = archive.with_name(f"{archive.name}.new")
    with (
        other.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as written,
    ):
        for member, content in members:
            written.addfile(_anonymous(member, epoch), io.BytesIO(content))
    other.replace(archive)


def _anonymous(member: tarfile.TarInfo, epoch: int) -> tarfile.TarInfo:
    clean = tarfile.TarInfo(member.name)
    clean.type, clean.size, clean.linkname = member.type, member.size, member.linkname
    clean.mtime = epoch
    clean.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return clean


def unpack_changes(archive: Path, folder: Path) -> None:
    """Makes `folder` what is in the archive; files that are the same keep their times, so that only
    what has changed since an earlier release is compiled. `build/` stays."""
    known: set[Path] = set()
    with tarfile.open(archive) as read:
        for member in read.getmembers():
            found = read.extractfile(member)
            if found is None:
                continue
            path = folder / member.name.partition("/")[2]
            content = found.read()
            known.add(path)
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            path.chmod(member.mode)
    build = folder / "build"
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path not in known and not path.is_relative_to(build):
            path.unlink()
