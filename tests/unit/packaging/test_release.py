"""The parts of a release that need no compiler: which Pythons, the same bytes each time, checksums;
and the version, which is written in one place only."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest
from pynats_common.program.epoch import EpochError
from pynats_common.program.version import RELEASE
from pynats_packaging.release import source
from pynats_packaging.release.__main__ import interpreters
from pynats_packaging.release.interpreters import Interpreter, discovered, probe, wanted_versions
from pynats_packaging.release.inventory import write_checksums
from pynats_packaging.release.running import Environment, ReleaseError, run
from pynats_packaging.release.wheels import age_cython
from pynats_packaging.sources import source_epoch

ROOT = Path(__file__).resolve().parents[3]


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == RELEASE


def test_the_changelog_has_the_version_or_says_what_comes() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]", "new entries need their place"
    releases = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", h) for h in headings[1:]]
    assert None not in releases, headings
    versions = [tuple(map(int, found.groups())) for found in releases if found]
    assert versions == sorted(set(versions), reverse=True)
    ours = tuple(map(int, RELEASE.split(".")))
    assert not versions or versions[0] <= ours
    if not versions or versions[0] < ours:
        # Not released yet: what is coming says its number.
        assert (
            f"becomes {RELEASE}" in text.partition("\n## [Unreleased]\n")[2].partition("\n## ")[0]
        )


def fake_python(path: Path, version: tuple[int, int, int], **more: object) -> None:
    told = {"executable": str(path), "implementation": "cpython", "version": version,
            "final": True, "free": False, "headers": True, **more}  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n")
    path.chmod(0o755)


def test_the_newest_of_each_version_is_taken_and_nothing_else(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    fake_python(a / "python3.12", (3, 12, 1))
    fake_python(b / "python3.12", (3, 12, 9))
    fake_python(a / "python3.13", (3, 13, 0), headers=False)
    fake_python(b / "python3.13", (3, 13, 0), free=True)
    fake_python(a / "python3.14", (3, 14, 0), final=False)
    fake_python(b / "python3.14", (3, 13, 2))  # says one thing and is another
    (a / "python3.11").write_text("#!/bin/sh\nexit 127\n")
    (a / "python3.11").chmod(0o755)
    found = discovered(["3.11", "3.12", "3.13", "3.14"], [a, b, tmp_path / "none"])
    assert found == {"3.12": Interpreter((3, 12, 9), b / "python3.12")}
    assert found["3.12"].full_name == "3.12.9"


def test_missing_pythons_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_python(tmp_path / "python3.12", (3, 12, 1))
    monkeypatch.setattr("pynats_packaging.release.__main__.usual_folders", lambda: [tmp_path])
    assert [one.name for one in interpreters([])] == ["3.12"]
    said = capsys.readouterr().out
    wanted = wanted_versions(ROOT / "pyproject.toml")
    assert {"3.11", "3.12", "3.13"} <= set(wanted)
    for version in wanted:
        assert (f"NO WHEEL for CPython {version}" in said) is (version != "3.12")
    with pytest.raises(ReleaseError, match="no CPython"):
        interpreters([tmp_path / "nowhere"])
    monkeypatch.setattr("pynats_packaging.release.__main__.usual_folders", list)
    with pytest.raises(ReleaseError, match="no Python here"):
        interpreters([])


def test_this_python_is_known() -> None:
    import sys

    found = probe(Path(sys.executable))
    assert found is None or found.version == sys.version_info[:3]


def archive(path: Path, *files: tuple[str, bytes, int], time: int) -> Path:
    with tarfile.open(path, "w:gz") as written:
        for name, content, mode in files:
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime, member.uname = len(content), mode, time, "me"
            written.addfile(member, io.BytesIO(content))
    return path


def test_an_archive_is_the_same_whoever_makes_it(tmp_path: Path) -> None:
    run_me, text = ("p-1/run", b"#!/bin/sh\n", 0o775), ("p-1/a.txt", b"text", 0o600)
    first = archive(tmp_path / "first.tar.gz", run_me, text, time=1)
    second = archive(tmp_path / "second.tar.gz", text, run_me, time=2_000_000_000)
    for each in (first, second):
        source.normalise(each, 1_700_000_000)
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as read:
        found = [(one.name, one.mode, one.mtime, one.uname) for one in read.getmembers()]
    assert found == [
        ("p-1/a.txt", 0o644, 1_700_000_000, ""), ("p-1/run", 0o755, 1_700_000_000, ""),
    ]  # fmt: skip


def test_only_what_has_changed_is_unpacked(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    files = [("p-1/same.py", b"1", 0o644), ("p-1/x/changed.py", b"1", 0o644)]
    source.unpack_changes(
        archive(tmp_path / "1", *files, ("p-1/gone.py", b"1", 0o644), time=1), folder
    )
    kept = folder / "build/lib/kept.so"
    kept.parent.mkdir(parents=True)
    kept.touch()
    before = (folder / "same.py").stat().st_mtime_ns
    files[1] = ("p-1/x/changed.py", b"2", 0o755)
    source.unpack_changes(archive(tmp_path / "2", *files, time=2), folder)
    assert (folder / "same.py").stat().st_mtime_ns == before
    assert (folder / "x/changed.py").read_bytes() == b"2"
    assert stat.S_IMODE((folder / "x/changed.py").stat().st_mode) == 0o755
    assert not (folder / "gone.py").exists()
    assert kept.exists()


@pytest.mark.skipif(not shutil.which("git"), reason="no git here")
def test_uncommitted_changes_are_refused_and_strays_stay_out(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    run(["git", "init", "--quiet"], tree)
    (tree / ".gitignore").write_text("*.log\n")
    (tree / "code.py").write_text("1")
    (tree / "stray.log").touch()
    run(["git", "add", "."], tree)
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    run(
        ["git", *who, "commit", "--quiet", "-m", "first"], tree, GIT_COMMITTER_DATE="@1234567 +0000"
    )
    source.refuse_changes(tree)
    assert source_epoch(tree) == 1234567
    (tree / "code.py").write_text("2")
    with pytest.raises(ReleaseError, match=r"(?s)not committed.*code\.py"):
        source.refuse_changes(tree)
    copied = source.exported(tree, tmp_path / "copy")
    assert sorted(path.name for path in copied.iterdir()) == [".gitignore", "code.py"]


def test_the_time_can_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert source_epoch(tmp_path) == 86400
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    with pytest.raises(EpochError, match="no number of seconds"):
        source_epoch(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    (tmp_path / "pyproject.toml").touch()  # an unpacked archive
    os.utime(tmp_path / "pyproject.toml", (7, 7))
    assert source_epoch(tmp_path) == 7


def test_checksums_are_what_sha256sum_reads(tmp_path: Path) -> None:
    (tmp_path / "b.whl").write_bytes(b"b")
    (tmp_path / "a.tar.gz").write_bytes(b"a")
    for _ in range(2):  # the list is not in the list
        sums = write_checksums(tmp_path)
    assert sums.read_text().splitlines() == [
        f"{hashlib.sha256(b'a').hexdigest()}  a.tar.gz",
        f"{hashlib.sha256(b'b').hexdigest()}  b.whl",
    ]
    subprocess.run(["sha256sum", "--check", "--quiet", sums.name], cwd=tmp_path, check=True)


def test_a_program_that_fails_ends_the_release_with_its_output() -> None:
    with pytest.raises(ReleaseError, match=r"(?s)exit code 3 of: sh -c.*why"):
        run(["sh", "-c", "echo why; exit 3"])
    with pytest.raises(ReleaseError, match="no-such-program"):
        run(["no-such-program"])


def test_cython_of_a_new_environment_is_older_than_what_it_has_made(tmp_path: Path) -> None:
    includes = tmp_path / "lib/python3.12/site-packages/Cython/Includes/libc"
    includes.mkdir(parents=True)
    made = tmp_path / "made.c"
    made.touch()
    (includes / "string.pxd").touch()
    age_cython(Environment(tmp_path))
    assert (includes / "string.pxd").stat().st_mtime < made.stat().st_mtime - 86400
