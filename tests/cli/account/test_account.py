"""`pynats account info|tls`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import KINDS, Cli, url_of
from tests.support.authorities import DAY, Authority
from tests.support.deadline import wait_until
from tests.support.process import ServerProcess

CONFIG = """
server_name: p1
jetstream { store_dir: "@FOLDER@/store" }
system_account: SYS
accounts {
  SYS { users: [{user: sys, password: sys}] }
  A {
    jetstream: enabled
    users: [
      {user: a, password: a}
      {user: few, password: few, permissions: {publish: {deny: ["$JS.>", "x.*"]}, subscribe: ">"}}
      {user: mute, password: mute, permissions: {publish: {deny: "$SYS.>"}}}
    ]
  }
  N { users: [{user: n, password: n}] }
}
"""


@pytest.fixture(scope="module", params=KINDS)
def accounts(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    with ServerProcess(request.param, tmp_path_factory.mktemp("accounts"), CONFIG) as process:
        yield process


UserCli = Callable[[str], Cli]


@pytest.fixture
def as_user(accounts: ServerProcess, make_cli: Callable[[str], Cli]) -> UserCli:
    return lambda user: make_cli(f"nats://{user}:{user}@127.0.0.1:{accounts.port}")


def test_info_shows_user_connection_and_jetstream(as_user: UserCli) -> None:
    done = as_user("a").run("account", "info")
    assert (done.code, done.err) == (0, "")
    for row in ("User: a", "Account: A (A)", "System Account: false", "Expires: never",
                "Client IP: 127.0.0.1", "Headers Supported: true", "Maximum Payload: 1.0 MiB",
                "Connected Address: 127.0.0.1:", "Connected Server Version: 2.15.1",
                "Connected Server Name: p1", "TLS Connection: no",
                "JetStream Account Information:", "Storage: 0 B of Unlimited",
                "Streams: 0 of Unlimited", "Stream Requires Max Bytes Set: false"):  # fmt: skip
        assert row in done.out
    assert "a:a@" not in done.out  # no password in the URL


def test_info_as_json(as_user: UserCli) -> None:
    data = json.loads(as_user("sys").run("account", "info", "--json").out)
    assert data["user"]["account"] == "SYS"
    assert data["connection"]["system_account"] is True
    assert data["jetstream"] is None
    assert data["jetstream_error"] == "JetStream not enabled for account (10039)"
    assert json.loads(as_user("a").run("a", "nfo", "-j").out)["jetstream"]["streams"] == 0


def test_info_counts_the_consumers_of_mirrors_and_sources(stream_cli: Cli) -> None:
    def counted() -> int:
        account = json.loads(stream_cli.run("account", "info", "--json").out)
        return int(account["jetstream"]["consumers"])

    before = counted()
    for name, *flags in (
        ("COUNTED", "--subjects", "counted.>"),
        ("COUNTED_WORK", "--subjects", "worked.>", "--retention", "work"),
        ("COUNTED_M", "--mirror", "COUNTED"),
        ("COUNTED_S", "--source", "COUNTED", "--source", "COUNTED_WORK"),
    ):
        assert stream_cli.run("stream", "add", name, *flags, "--defaults").code == 0
    wait_until(lambda: counted() == before + 3, "the consumers of a mirror and of two sources")
    assert stream_cli.run("consumer", "ls", "COUNTED", "--json").out == "[]\n"
    for name in ("COUNTED_S", "COUNTED_M"):
        assert stream_cli.run("stream", "rm", name, "-f").code == 0
    wait_until(lambda: counted() == before, "their end")
    for name in ("COUNTED", "COUNTED_WORK"):
        assert stream_cli.run("stream", "rm", name, "-f").code == 0


def test_info_never_fails_for_jetstream(as_user: UserCli) -> None:
    done = as_user("n").run("account", "info")
    assert (done.code, done.err) == (0, "")
    assert "Could not obtain account information: JetStream not enabled for account" in done.out


def test_info_shows_permissions_and_does_not_wait_for_what_is_denied(as_user: UserCli) -> None:
    done = as_user("few").run("account", "info", "--timeout", "1m")
    assert (done.code, done.err) == (0, "")
    assert "User: few" in done.out
    assert "Publish Deny: $JS.>\n" in done.out and "x.*\n" in done.out
    assert "Could not obtain account information: nats: Permissions Violation" in done.out
    mute = as_user("mute").run("account", "info", "--timeout", "1m")
    assert mute.code == 0 and "User:" not in mute.out
    assert "Streams: 0 of Unlimited" in mute.out


def test_info_without_jetstream_on_the_server(cli: Cli) -> None:
    done = cli.run("account", "info")
    assert done.code == 0
    assert done.out.endswith(
        "\nJetStream Account Information:\n\n   JetStream is not supported in this account\n"
    )


def test_tls_needs_tls(as_user: UserCli) -> None:
    done = as_user("a").run("account", "tls")
    assert (done.code, done.out) == (1, "")
    assert done.err == "pynats: error: nats: connection is not tls\n"


@pytest.fixture(scope="module", params=KINDS)
def secured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server whose certificate expires in ten days, of an authority between."""
    folder = tmp_path_factory.mktemp("secured")
    root = Authority()
    (folder / "ca.pem").write_bytes(root.pem)
    Authority("Between", parent=root).issue(ends=10 * DAY).write(folder, "server")
    config = 'tls { cert_file: "@FOLDER@/server.pem", key_file: "@FOLDER@/server-key.pem" }'
    with ServerProcess(request.param, folder, config) as process:
        yield process


def test_tls_shows_the_verified_chain(
    secured: ServerProcess, make_cli: Callable[[str], Cli]
) -> None:
    cli = make_cli(url_of(secured))
    ca = ("--tlsca", str(secured.folder / "ca.pem"))
    done = cli.run("account", "tls", *ca)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        "# TLS Verified Chains count: 1\n\n# chain: 1\n# chain=1 cert=1 isCA"
    )
    for row in ('cert=1 isCA=false Subject="CN=localhost"', 'cert=2 isCA=true Subject="CN=Between"',
                'cert=3 isCA=true Subject="CN=Test CA"', "SAN: DNS Names: [localhost]",
                "SAN: IP Addresses: [127.0.0.1]", "Signed-with: ECDSA-SHA256"):  # fmt: skip
        assert row in done.out
    pem = (secured.folder / "server.pem").read_text()
    assert pem.split("-----END")[0] in done.out
    assert "BEGIN" not in cli.run("account", "tls", "--no-pem", *ca).out
    chain = json.loads(cli.run("account", "tls", "--json", "--no-pem", *ca).out)
    assert [each["subject"] for each in chain] == ["CN=localhost", "CN=Between", "CN=Test CA"]
    info = cli.run("account", "info", *ca)
    assert "TLS Version: 1.3 using TLS_" in info.out
    assert "TLS Verified: issuer CN=Between" in info.out


def test_a_server_without_tls_is_left_where_tls_is_wanted(
    accounts: ServerProcess, secured: ServerProcess, make_cli: Callable[[str], Cli]
) -> None:
    address, ca = f"a:a@127.0.0.1:{accounts.port}", ("--tlsca", str(secured.folder / "ca.pem"))
    for url, flags in ((f"tls://{address}", ()), (address, ca)):
        done = make_cli(url).run("pub", "x", "y", *flags)
        assert done.code == 1
        assert "nats: secure connection not available" in done.err


def test_a_server_that_leaves_the_choice_gives_tls(
    secured: ServerProcess, tmp_path: Path, make_cli: Callable[[str], Cli]
) -> None:
    files = [str(secured.folder / name) for name in ("server.pem", "server-key.pem", "ca.pem")]
    config = 'allow_non_tls: true, tls {{ cert_file: "{}", key_file: "{}" }}'.format(*files[:2])
    with ServerProcess(secured.kind, tmp_path, config) as process:
        cli = make_cli(f"127.0.0.1:{process.port}")
        assert "TLS Version: 1.3" in cli.run("account", "info", "--tlsca", files[2]).out
        assert "TLS Connection: no" in cli.run("account", "info").out


def test_a_missing_certificate_is_told(
    secured: ServerProcess, tmp_path: Path, make_cli: Callable[[str], Cli]
) -> None:
    server, key, ca = (
        str(secured.folder / f"{name}.pem") for name in ("server", "server-key", "ca")
    )
    config = f'tls {{ cert_file: "{server}", key_file: "{key}", ca_file: "{ca}", verify: true }}'
    with ServerProcess(secured.kind, tmp_path, config) as process:
        done = make_cli(f"127.0.0.1:{process.port}").run("pub", "x", "y", "--tlsca", ca)
        assert done.code == 1
        # What comes first: the alert, or the end of the connection.
        assert "CERTIFICATE_REQUIRED" in done.err or "ask for a certificate?" in done.err


def test_tls_warns_of_certificates_that_expire_soon(
    secured: ServerProcess, make_cli: Callable[[str], Cli]
) -> None:
    cli = make_cli(url_of(secured))
    ca = ("--tlsca", str(secured.folder / "ca.pem"), "--no-pem")
    done = cli.run("account", "tls", "--expire-warn", "30d", *ca)
    assert done.code == 1
    assert done.err.startswith("pynats: error: cert expiring soon chain=1 cert=1 expiration=")
    assert done.out.count("# EXPIRING SOON: within 720h0m0s of ") == 1
    assert cli.run("account", "tls", "--expire-warn", "0", *ca).code == 0
    ocsp = cli.run("account", "tls", "--ocsp", "--expire-warn", "0", *ca)
    assert ocsp.code == 0
    assert ocsp.out.startswith("# No OCSP Response found in TLS connection\n\n# TLS Verified")


def test_own_connections_are_asked_for_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all servers at once, until none has more."""
    import asyncio

    from pynats_cli.commands.account import report
    from pynats_cli.commands.server.report.connections import Picked, gather
    from pynats_cli.servers.system import Answer

    connections = {"n1": list(range(2500)), "n2": [7]}
    asked = []

    async def scatter(session: object, subject: str, request: dict[str, int]) -> list[Answer]:
        asked.append((subject, request["offset"]))
        first = request["offset"]
        return [
            Answer(
                {
                    "server": {"id": name},
                    "data": {
                        "total": len(cids),
                        "connections": [{"cid": c} for c in cids[first : first + request["limit"]]],
                    },
                },
                0.0,
            )
            for name, cids in connections.items()
        ]

    monkeypatch.setattr(report, "scatter", scatter)
    found = asyncio.run(gather(report._OwnAccount(None), Picked()))  # type: ignore[arg-type]
    assert [each["cid"] for each in found] == [*range(2500), 7]
    assert asked == [("$SYS.REQ.SERVER.PING.CONNZ", offset) for offset in (0, 1024, 2048)]


def test_certificates_of_other_kinds(tmp_path: Path) -> None:
    from pynats_cli.commands.account.certificates import read_chain
    from pynats_cli.errors import CliError

    with pytest.raises(CliError, match="invalid certificate"):
        read_chain([b"nothing"])
    (root,) = read_chain([_der(Authority("Alone").pem)])
    assert (root.is_ca, root.subject, root.issuer) == (True, "CN=Alone", "CN=Alone")
    assert root.dns_names == ()


def _der(pem: bytes) -> bytes:
    import ssl

    return ssl.PEM_cert_to_DER_cert(pem.decode())
