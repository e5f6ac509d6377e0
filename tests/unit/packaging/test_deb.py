"""The cheap half of what the Debian packages promise; `make deb-check` tries them whole."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pynats_packaging.deb import archive, distributions, documents, environment, packages

ROOT = Path(__file__).resolve().parents[3]
DEBIAN = ROOT / "packaging/debian"
SYSTEMD = ROOT / "packaging/systemd"
UNITS = ("pynats-server.service", "pynats-server@.service")
SCRIPTS = sorted(
    path for path in DEBIAN.glob("*/*") if path.name in ("preinst", "prerm", "postinst", "postrm")
)
SCORE_MAX = 1.5
needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb here")
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze here"
)


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=os.environ | environ
    )


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_units_are_valid_and_keep_the_server_in(name: str, tmp_path: Path) -> None:
    unit = tmp_path / name.replace("@", "@one")
    there = shutil.which("true") or "/bin/true"  # the server is not installed here
    unit.write_text((SYSTEMD / name).read_text().replace("/usr/bin/pynats-server", there))
    checked = run("systemd-analyze", "verify", "--man=no", str(unit))
    complaints = [line for line in checked.stderr.splitlines() if unit.name in line]
    assert (checked.returncode, complaints) == (0, [])
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)).stdout
    found = re.search(r"Overall exposure level .*: ([\d.]+)", said)
    assert found is not None, said
    assert float(found[1]) < SCORE_MAX


def test_both_units_are_the_same_but_for_names() -> None:
    """From [Service] on."""
    one, many = ((SYSTEMD / name).read_text().split("[Service]")[1] for name in UNITS)
    places = ("/etc/pynats/", "pynats/")
    for place in places:
        one, many = one.replace(f"{place}server", place), many.replace(f"{place}%i", place)
    assert one == many


def test_a_stop_waits_longer_than_lame_duck_mode() -> None:
    from pynats_server.options import Options

    found = re.search(r"^TimeoutStopSec=(\d+)$", (SYSTEMD / UNITS[0]).read_text(), re.MULTILINE)
    assert found is not None
    assert int(found[1]) > Options().lame_duck_duration + 10


def test_the_configuration_is_valid() -> None:
    server = Path(sys.executable).parent / "pynats-server"
    checked = run(str(server), "-t", "-c", str(DEBIAN / "pynats-server/server.conf"))
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_scripts_are_shell(script: Path) -> None:
    assert run("sh", "-n", str(script)).stderr == ""


class FakeRoot:
    """A root for maintainer scripts, and programs that note how they are called."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self._bin = folder / "bin"
        self._log = folder / "log"
        (self.root / "run/systemd/system").mkdir(parents=True)
        self._bin.mkdir()
        for name in ("systemctl", "deb-systemd-invoke", "deb-systemd-helper", "systemd-sysusers",
                     "systemd-tmpfiles"):  # fmt: skip
            self.program(name, "")

    def program(self, name: str, does: str) -> None:
        path = self._bin / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self._log}\n{does}\n')
        path.chmod(0o755)

    def debconf(self, answer: str) -> None:
        """What the administrator says when asked."""
        module = self.root / "usr/share/debconf/confmodule"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(
            "db_version() { :; }\ndb_fset() { :; }\ndb_go() { :; }\ndb_stop() { :; }\n"
            "db_purge() { :; }\ndb_input() { :; }\n"
            f"db_get() {{ RET={answer}; }}\n"
        )

    def run(self, script: str, *arguments: str) -> tuple[list[str], str]:
        """The calls that a script makes, and what it says. It must succeed."""
        self._log.write_text("")
        done = run(
            "sh", str(DEBIAN / script), *arguments,
            PATH=f"{self._bin}:{os.environ['PATH']}", DPKG_ROOT=str(self.root),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return self._log.read_text().splitlines(), done.stderr

    def data(self) -> Path:
        kept = self.root / "var/lib/pynats/server/jetstream/messages"
        kept.parent.mkdir(parents=True)
        kept.write_text("data")
        return kept


@pytest.fixture
def fake(tmp_path: Path) -> FakeRoot:
    return FakeRoot(tmp_path)


@pytest.mark.parametrize("before", ["", "1"])
def test_an_installation_starts_the_service(fake: FakeRoot, before: str) -> None:
    """Be it after a removal."""
    fake.run("pynats-server/preinst", "install", before)
    calls, _ = fake.run("pynats-server/postinst", "configure", before)
    assert "deb-systemd-helper enable pynats-server.service" in calls
    assert calls[-1] == "deb-systemd-invoke start pynats-server.service"


def test_an_upgrade_stops_and_starts_once_what_runs(fake: FakeRoot) -> None:
    fake.program("systemctl", '[ "$1" != list-units ] || echo "pynats-server@a.service loaded x"')
    calls, _ = fake.run("pynats/prerm", "upgrade", "2")
    assert calls[-1] == "deb-systemd-invoke stop pynats-server@a.service"
    calls, _ = fake.run("pynats/postinst", "configure", "1")
    assert calls[-1] == "systemctl --system start pynats-server@a.service"
    for script, action in (
        ("pynats-server/prerm", "upgrade"),
        ("pynats-server/preinst", "upgrade"),
        ("pynats-server/postinst", "configure"),
        ("pynats/postinst", "configure"),
    ):
        calls, _ = fake.run(script, action, "1")
        assert [call for call in calls if " start" in call or "deb-systemd-invoke" in call] == []


def test_an_interrupted_upgrade_forgets_no_server(fake: FakeRoot) -> None:
    for name in "ab":  # what runs at the first try, and what somebody has started since
        unit = f"pynats-server@{name}.service"
        fake.program("systemctl", f'[ "$1" != list-units ] || echo "{unit} loaded x"')
        fake.run("pynats/prerm", "upgrade", "2")
    calls, _ = fake.run("pynats/postinst", "configure", "1")
    assert calls[-1] == "systemctl --system start pynats-server@a.service pynats-server@b.service"


def test_an_upgrade_starts_nothing_that_was_stopped(fake: FakeRoot) -> None:
    fake.run("pynats/prerm", "upgrade", "2")
    calls, _ = fake.run("pynats/postinst", "configure", "1")
    assert calls == []


def test_a_removal_stops_everything(fake: FakeRoot) -> None:
    kept = fake.data()
    calls, _ = fake.run("pynats-server/prerm", "remove")
    assert calls == ["deb-systemd-invoke stop pynats-server.service pynats-server@*.service"]
    fake.run("pynats-server/postrm", "remove")
    assert kept.exists()


@pytest.mark.parametrize("answer", ["false", "true", None])
def test_a_purge_takes_the_data_only_if_told_so(fake: FakeRoot, answer: str | None) -> None:
    kept = fake.data()
    if answer is not None:
        fake.debconf(answer)
    _, said = fake.run("pynats-server/postrm", "purge")
    assert kept.exists() == (answer != "true")
    assert ("are kept in" in said) == (answer != "true")


def test_a_purge_follows_no_links_of_the_server(fake: FakeRoot, tmp_path: Path) -> None:
    kept = fake.data()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch()
    (kept.parent / "link").symlink_to(elsewhere)
    (kept.parent / "file").symlink_to(elsewhere / "file")
    disk = tmp_path / "disk"
    (fake.root / "var/lib/pynats").rename(disk)  # what an administrator does
    (fake.root / "var/lib/pynats").symlink_to(disk)
    fake.debconf("false")
    assert "are kept in" in fake.run("pynats-server/postrm", "purge")[1]
    fake.debconf("true")
    assert fake.run("pynats-server/postrm", "purge")[1] == ""
    assert (elsewhere / "file").exists()
    assert list(disk.iterdir()) == []
    assert not (fake.root / "var/lib/pynats").is_symlink()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc here")
def test_rights_are_set_by_nothing_that_follows_links(fake: FakeRoot, tmp_path: Path) -> None:
    """systemd-tmpfiles refuses folders in which the server may have planted them."""
    fake.program("systemd-tmpfiles", "exit 73")
    for name in ("chmod", "chgrp", "chown", "install"):
        fake.program(name, "")
    calls, said = fake.run("pynats-server/postinst", "configure", "")
    assert not any(call.startswith(("ch", "install")) for call in calls)
    assert "not as they should be" in said


def test_without_systemd_nothing_is_started(fake: FakeRoot) -> None:
    shutil.rmtree(fake.root / "run")
    for script, *arguments in (
        ("pynats-server/preinst", "install"),
        ("pynats-server/postinst", "configure", ""),
        ("pynats-server/prerm", "remove"),
        ("pynats/prerm", "upgrade", "2"),
        ("pynats/postinst", "configure", "1"),
    ):
        calls, _ = fake.run(script, *arguments)
        assert not any(call.startswith(("deb-systemd-invoke", "systemctl")) for call in calls)


def test_what_the_environment_consists_of() -> None:
    needed = distributions.needed()
    names = {each.metadata["Name"].lower() for each in needed}
    assert {"msgspec", "uvloop", "nats-py", "cffi", "markdown-it-py"} <= names
    assert not names & {"pytest", "mypy", "hypothesis", "pynats-toolbox", "cython"}
    text = documents.copyright_text(needed)
    for each in needed:
        assert f"License: {each.metadata['Name']}-{each.version}\n" in text
        assert distributions.licence(each) != ""


def test_what_nobody_needs_is_left_out(tmp_path: Path) -> None:
    for name in (
        "pynats_server/a.py", "pynats_server/a.pyi", "x/tests/test_x.py", "x/y.pxd", "x/y.py",
        "x-1.dist-info/METADATA", "x-1.dist-info/RECORD", "x-1.dist-info/licenses/LICENSE",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    environment.drop_needless(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"pynats_server/a.py", "x/y.py", "x-1.dist-info/METADATA"}


def test_control_fields() -> None:
    text = archive.control({"Package": "x", "Description": "first\nsecond\n\nthird\n"})
    assert text == "Package: x\nDescription: first\n second\n .\n third\n"


@needs_dpkg
def test_two_builds_are_the_same(tmp_path: Path) -> None:
    made = []
    for number, umask in ((1, 0o022), (2, 0o077)):
        before = os.umask(umask)
        try:
            root = tmp_path / str(number)
            (root / "usr/bin").mkdir(parents=True)
            (root / "usr/bin/x").write_text("#!/bin/sh\n")
            (root / "usr/bin/x").chmod(0o700)
            (root / "usr/share").mkdir()
            (root / "usr/share/y.gz").write_bytes(documents.packed(b"y"))
            (root / "DEBIAN").mkdir()
            (root / "DEBIAN/postinst").write_text("#!/bin/sh\n")
            fields = {"Package": "x", "Version": "1", "Architecture": "all",
                      "Maintainer": "x <x@x>", "Description": "x"}  # fmt: skip
            made.append(archive.pack(root, fields, tmp_path / f"out{number}", 1_700_000_000))
        finally:
            os.umask(before)
    first, second = (hashlib.sha256(path.read_bytes()).hexdigest() for path in made)
    assert first == second
    listed = run("dpkg-deb", "-c", str(made[0])).stdout
    assert re.search(r"^-rwxr-xr-x root/root .* \./usr/bin/x$", listed, re.MULTILINE)
    assert re.search(r"^-rw-r--r-- root/root .* \./usr/share/y\.gz$", listed, re.MULTILINE)
    assert "md5sums" in run("dpkg-deb", "-I", str(made[0])).stdout


def test_the_changelog_has_the_form_of_debian() -> None:
    text = gzip.decompress(documents.changelog("x", "1-1", "A <a@b>", 0)).decode()
    assert text.startswith("x (1-1) unstable; urgency=medium\n\n  * ")
    assert text.endswith(" -- A <a@b>  Thu, 01 Jan 1970 00:00:00 -0000\n")


def test_manual_pages_have_the_date_of_the_sources(tmp_path: Path) -> None:
    packages._write_manuals(tmp_path, 86400)
    page = gzip.decompress((tmp_path / "usr/share/man/man1/pynats.1.gz").read_bytes())
    assert page.startswith(b'.TH "PYNATS" 1 1970-01-02 ')
