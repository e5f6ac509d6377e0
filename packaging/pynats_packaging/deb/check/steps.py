"""What is tried, in this order: each step finds the system as the step before has left it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pynats_packaging.deb.check.machine import CheckFailed, Machine, wait_until

UNIT = "pynats-server"
INSTANCE = "pynats-server@second"
CONFIG = "etc/pynats/server.conf"
BEGUN_S = time.perf_counter()
STOP_S = 40.0
SHORT = "\nlame_duck_duration: 30s\nlame_duck_grace_period: 1s\n"
SECOND = """\
host: "::1"
port: 4333
jetstream { store_dir: /var/lib/pynats/second }
"""


def expect(is_so: bool, what: str) -> None:
    """Raises CheckFailed unless it is so."""
    if not is_so:
        raise CheckFailed(what)


def say(line: str) -> None:
    """A line for whoever watches."""
    print(f"deb-check: {time.perf_counter() - BEGUN_S:5.0f} s  {line}", flush=True)


def streams(machine: Machine, url: str = "nats://127.0.0.1:4222") -> dict[str, int]:
    """How many messages each stream has."""
    names = json.loads(machine.run("pynats", "-s", url, "stream", "ls", "--names", "--json"))
    return {
        name: json.loads(machine.run("pynats", "-s", url, "stream", "info", name, "--json"))[
            "state"
        ]["messages"]
        for name in names
    }


def install(machine: Machine, packages: list[Path]) -> str:
    """As an administrator does; dependencies are there already."""
    for package in packages:
        target = machine.root / "root" / package.name
        target.write_bytes(package.read_bytes())
    return machine.run("dpkg", "-i", *(f"/root/{package.name}" for package in packages))


def foreground(machine: Machine) -> None:
    """The unit's own command line, by its user, without systemd."""
    unit = (machine.root / "lib/systemd/system/pynats-server.service").read_text()
    found = re.search(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    assert found is not None
    with machine.begun("--as-pid2", "--user=pynats", "--", *found[1].split()) as server:
        wait_until(
            lambda: machine.ask("pynats", "server", "check", "connection").startswith("OK"),
            "a server in the foreground",
        )
        machine.run("pynats", "stream", "add", "ORDERS", "--subjects=orders.>", "--defaults")
        machine.run("pynats", "pub", "--jetstream", "orders.1", "kept")
        expect(streams(machine) == {"ORDERS": 1}, "the stream has the message")
        machine.run("pkill", "-TERM", "-u", "pynats")
        server.wait(STOP_S)
    say("foreground: started as `pynats` by the unit's command line, one message stored")


def service(machine: Machine) -> None:
    """The real unit: start, hardening, load, reload, watchdog."""
    wait_until(lambda: machine.show(UNIT, "ActiveState") == "active", "the service")
    begun, ready = (
        int(machine.show(UNIT, name))
        for name in ("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    )
    say(f"service: active, ready {(ready - begun) / 1000:.0f} ms after its start")
    expect(streams(machine).get("ORDERS") == 1, "the stream is there")
    hardening(machine)
    load(machine)
    machine.run("systemctl", "reload", UNIT)
    _settled(machine)
    with changed(machine, "\nmax_payload: {}\n"):
        machine.run("systemctl", "reload", UNIT)
        _settled(machine)
        wait_until(
            lambda: "not reloaded" in machine.show(UNIT, "StatusText"), "a refused reload's status"
        )
        expect(machine.show(UNIT, "ActiveState") == "active", "a refused reload changes nothing")
    machine.run("systemctl", "reload", UNIT)
    _settled(machine)
    expect("not reloaded" not in machine.show(UNIT, "StatusText"), "the next reload is taken")
    say("reload: taken, refused with the reason in the status, taken again")
    watchdog(machine)


def _settled(machine: Machine) -> None:
    wait_until(lambda: machine.show(UNIT, "ActiveState") == "active", "the end of a reload")


@contextmanager
def changed(machine: Machine, more: str) -> Iterator[None]:
    """More lines in the configuration, for a while."""
    path = machine.root / CONFIG
    before = path.read_text()
    path.write_text(before + more)
    try:
        yield
    finally:
        path.write_text(before)


def hardening(machine: Machine) -> None:
    """What the unit takes away is really gone."""
    pid = machine.show(UNIT, "MainPID")
    status = dict(
        line.split(":\t", 1)
        for line in machine.run("cat", f"/proc/{pid}/status").splitlines()
        if ":\t" in line
    )
    expect(status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", "filters are in force")
    expect({int(status[cap], 16) for cap in ("CapEff", "CapPrm", "CapBnd")} == {0}, "no powers")
    mounts = machine.run("cat", f"/proc/{pid}/mounts")
    root = next(line.split()[3] for line in mounts.splitlines() if line.split()[1] == "/")
    expect("ro" in root.split(","), "the system is read-only")
    score = machine.run("systemd-analyze", "security", "--no-pager", UNIT).splitlines()[-1]
    say(f"hardening: in force; {score.strip('→ ')}")


def load(machine: Machine) -> None:
    """Core, streams with fsync, and a second server over IPv6, under the filters."""
    quick = ("--no-progress", "--json")
    machine.run("pynats", "bench", "pub", "load", "--msgs=300000", "--clients=4", *quick)
    machine.run(
        "pynats", "bench", "js", "pub", "async", "load.js", "--create", "--stream=LOAD",
        "--msgs=50000", "--clients=4", *quick,
    )  # fmt: skip
    machine.run("pynats", "bench", "kv", "put", "--msgs=2000", "--clients=4", *quick)
    expect(streams(machine)["LOAD"] == 50000, "all messages are stored")
    (machine.root / "etc/pynats/second.conf").write_text(SECOND)
    machine.run("systemd-tmpfiles", "--create", "pynats.conf")
    machine.run("systemctl", "start", INSTANCE)
    url = "nats://[::1]:4333"
    machine.run("pynats", "-s", url, "stream", "add", "S", "--subjects=s", "--defaults")
    machine.run("pynats", "-s", url, "pub", "--jetstream", "s", "hello")
    expect(streams(machine, url) == {"S": 1}, "the instance has a stream of its own")
    expect((machine.root / "var/lib/pynats/second/jetstream").is_dir(), "and a folder of its own")
    errors = [
        line
        for unit in (UNIT, INSTANCE)
        for line in machine.run("journalctl", "-u", unit, "-o", "cat").splitlines()
        if re.search(r"\[(ERR|FTL)\]|Traceback|not permitted", line)
    ]
    expect(not errors, f"errors in the log: {errors[:3]}")
    say("load: 300,000 messages, 50,000 in a stream, 2,000 keys, an instance on IPv6; no errors")


def watchdog(machine: Machine) -> None:
    """A process that does nothing any more is replaced."""
    pid = machine.show(UNIT, "MainPID")
    begun = time.monotonic()
    machine.run("kill", "-STOP", pid)
    wait_until(
        lambda: (
            machine.show(UNIT, "MainPID") not in (pid, "0")
            and machine.show(UNIT, "ActiveState") == "active"
        ),
        "a new process",
    )
    expect(machine.show(UNIT, "NRestarts") == "1", "one restart")
    say(f"watchdog: a stopped process was replaced after {time.monotonic() - begun:.0f} s")
    expect(streams(machine)["LOAD"] == 50000, "the streams have survived")


def lame_duck(machine: Machine) -> None:
    """A stop moves clients away, and is no failure."""
    with changed(machine, SHORT):
        machine.run("systemctl", "restart", UNIT)
        with _client(machine):
            begun = time.monotonic()
            machine.run("systemctl", "stop", UNIT)
            took = time.monotonic() - begun
    log = machine.run("journalctl", "-u", UNIT, "-o", "cat")
    expect(log.count("Entering lame duck mode") == 2, "both stops were lame duck mode")
    expect(machine.show(UNIT, "Result") == "success", "a stop is no failure")
    expect(machine.show(UNIT, "ExecMainStatus") == "0", "it has ended by itself")
    machine.run("systemctl", "start", UNIT)
    say(f"lame duck: a stop with a connected client took {took:.1f} s")


@contextmanager
def _client(machine: Machine) -> Iterator[None]:
    with machine.aside("pynats", "sub", "anything"):
        wait_until(
            lambda: bool(
                machine.ask("ss", "-Htn", "state", "established", "sport = :4222").strip()
            ),
            "a client",
        )
        yield


def upgrade(machine: Machine, packages: list[Path], version: str) -> None:
    """Over data, with a client that is connected: each server stops once, and runs afterwards."""
    before = {unit: machine.show(unit, "MainPID") for unit in (UNIT, INSTANCE)}
    stopped = machine.run("journalctl", "-u", UNIT, "-o", "cat").count("Entering lame duck mode")
    kept = machine.root / CONFIG
    kept.write_text(kept.read_text() + "# mine\n")
    begun = time.monotonic()
    install(machine, packages)
    took = time.monotonic() - begun
    for unit, pid in before.items():
        expect(machine.show(unit, "ActiveState") == "active", f"{unit} runs after the upgrade")
        expect(machine.show(unit, "MainPID") not in (pid, "0"), f"{unit} was restarted")
    log = machine.run("journalctl", "-u", UNIT, "-o", "cat")
    expect(log.count("Entering lame duck mode") == stopped + 1, "one stop, by lame duck mode")
    said = machine.run("dpkg-query", "-W", "-f", "${Version}", "pynats-server")
    expect(said == version, f"{version} is installed, not {said}")
    expect(streams(machine)["LOAD"] == 50000, "the streams are there")
    expect("# mine" in kept.read_text(), "a changed configuration is kept")
    say(f"upgrade: to {version} over the data in {took:.1f} s; stream still there")


def interrupted(machine: Machine, packages: list[Path]) -> None:
    """An installation that ends half-way has stopped the servers; the next one starts them."""
    with machine.aside("dpkg", "-i", *(f"/root/{package.name}" for package in packages)):
        wait_until(lambda: _half_installed(machine), "a half-installed package, without servers")
    install(machine, packages)
    for unit in (UNIT, INSTANCE):
        expect(machine.show(unit, "ActiveState") == "active", f"{unit} runs after the repair")
    expect(streams(machine)["LOAD"] == 50000, "the streams are there")
    say("interrupted: killed while unpacking, installed again: both servers run, streams there")


def _half_installed(machine: Machine) -> bool:
    states = [machine.show(unit, "ActiveState") for unit in (UNIT, INSTANCE)]
    status = machine.ask("dpkg-query", "-W", "-f", "${Status}", "pynats")
    return states == ["inactive"] * 2 and status.endswith("half-installed")


def remove(machine: Machine, packages: list[Path]) -> None:
    """Configuration and data stay, and a later installation goes on with them."""
    machine.run("dpkg", "-r", "pynats-server", "pynats")
    install(machine, packages)
    expect(machine.show(UNIT, "ActiveState") == "active", "installed again, the service runs")
    expect(streams(machine)["LOAD"] == 50000, "with its streams")
    machine.run("systemctl", "start", INSTANCE)
    machine.run("dpkg", "-r", "pynats-server", "pynats")
    expect(machine.show(UNIT, "ActiveState") != "active", "nothing runs any more")
    expect(machine.show(INSTANCE, "ActiveState") != "active", "no instance runs any more")
    expect((machine.root / CONFIG).exists(), "the configuration stays")
    expect((machine.root / "var/lib/pynats/server/jetstream").is_dir(), "the data stay")
    expect(not (machine.root / "usr/lib/pynats").exists(), "the programs are gone")
    say("remove: programs gone; configuration and data are there")


def purge(machine: Machine, packages: list[Path]) -> None:
    """Nobody asked: the data stay. Answered with yes: they go."""
    data = machine.root / "var/lib/pynats"
    said = machine.run("dpkg", "-P", "pynats-server", "pynats")
    expect("kept in /var/lib/pynats" in said, f"it says where the data are: {said}")
    expect((data / "server/jetstream").is_dir(), "the data stay")
    expect(not (machine.root / CONFIG).exists(), "the configuration is gone")
    install(machine, packages)
    expect(streams(machine)["LOAD"] == 50000, "a later installation finds the streams")
    machine.run(
        "sh", "-c",
        "echo pynats-server pynats-server/purge-data boolean true | debconf-set-selections",
    )  # fmt: skip
    machine.run("dpkg", "-P", "pynats-server", "pynats")
    expect(not data.exists(), "the data are gone")
    say("purge: unasked it keeps the data and says where; with the answer yes they are gone")
