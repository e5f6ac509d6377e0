"""`http_auth`: who may ask for monitoring, what strangers learn, and what they can cost."""

from __future__ import annotations

import asyncio
import base64
import threading
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from pynats_server import Options, Server, ServerError
from pynats_server.monitor.serving import guard
from pynats_server.monitor.serving.guard import WAITING_MAX, WAITING_PER_NETWORK, Given
from pynats_server.options import HttpAuth
from pynats_server.settings import diff, startup_warnings

from tests.support.deadline import PATIENCE_S, next_turn, wait_until_async
from tests.support.monitoring import HOST, ask, fault_of, get, serve

PATHS = (
    "/", "/varz", "/connz", "/subsz", "/subscriptionsz", "/healthz", "/accountz", "/accstatz",
    "/routez", "/gatewayz", "/leafz", "/jsz", "/ipqueuesz", "/raftz", "/stacksz", "/metrics",
    "/nope", "//varz",
)  # fmt: skip


def hashed(secret: str) -> str:
    return bcrypt.hashpw(secret.encode(), bcrypt.gensalt(4)).decode()


def basic(user: str, password: str) -> bytes:
    pair = base64.b64encode(f"{user}:{password}".encode())
    return b"Authorization: Basic %b\r\n" % pair


def bearer(token: str) -> bytes:
    return b"Authorization: Bearer %b\r\n" % token.encode()


PLAIN = HttpAuth(user="ops", password="p:ä", token="t0ken")
HASHED = HttpAuth(user="ops", password=hashed("p:ä"), token=hashed("t0ken"))


@pytest.mark.parametrize("auth", [PLAIN, HASHED], ids=["plain", "hashed"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"", 401),
        (basic("ops", "p:ä"), 200),
        (basic("ops", "p:ä").replace(b"Basic", b"bASIC "), 200),
        (bearer("t0ken"), 200),
        (b"authorization:bearer t0ken\r\n", 200),
        (basic("ops", "p:a"), 401),
        (basic("ops", ""), 401),
        (basic("Ops", "p:ä"), 401),
        (basic("", "p:ä"), 401),
        (basic("", ""), 401),
        (basic("", "t0ken"), 401),
        (basic("t0ken", ""), 401),
        (bearer(""), 401),
        (bearer("t0ke"), 401),
        (bearer("t0ken2"), 401),
        (bearer("p:ä"), 401),
        (b"Authorization: t0ken\r\n", 401),
        (b"Authorization: Digest t0ken\r\n", 401),
        (b"Authorization: Basic\r\n", 401),
        (b"Authorization: Basic ????\r\n", 401),
        (b"Authorization: Basic b3Bz\r\n", 401),  # "ops", no colon
        (b"Authorization: Basic \xff\xfe\r\n", 401),
        (bearer("wrong") + bearer("t0ken"), 401),  # the first of two counts
    ],
)
def test_who_gives_the_right_secret_comes_in(
    auth: HttpAuth, headers: bytes, status: int, tmp_path: Path
) -> None:
    async def scenario(server: Server) -> None:
        for _ in range(2):  # the second time, what was right is remembered
            assert (await get(server, "/varz", headers))[0] == status

    serve(tmp_path, scenario, http_auth=auth)


@pytest.mark.parametrize(
    ("auth", "challenges"),
    [
        (HttpAuth(user="u", password="p"), ["Basic"]),
        (HttpAuth(token="t"), ["Bearer"]),
        (HttpAuth(user="u", password="p", token="t"), ["Basic", "Bearer"]),
    ],
)
def test_strangers_see_nothing_and_learn_how_to_log_in(
    auth: HttpAuth, challenges: list[str], tmp_path: Path
) -> None:
    async def scenario(server: Server) -> None:
        answers = [await ask(server, path) for path in PATHS]
        answers += [await ask(server, "/varz", method=word) for word in ("POST", "OPTIONS", "X")]
        for answer in answers:
            assert (answer.status, answer.body) == (401, b"401 Unauthorized\n")
            found = answer.header("www-authenticate")
            assert [text.split()[0] for text in found] == challenges
        assert (await ask(server, "/varz", method="HEAD")).status == 401
        assert not server.state.http_requests

    serve(tmp_path, scenario, http_auth=auth)


def test_without_the_block_everybody_comes_in(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        assert (await get(server, "/varz", bearer("anything")))[0] == 200

    serve(tmp_path, scenario)


@pytest.mark.parametrize("headers", [b"", bearer("wrong")])
def test_open_health_tells_the_status_alone(headers: bytes, tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        assert await get(server, "/healthz", headers) == (200, b'{"status":"ok"}')
        status, body = await get(server, "/healthz?js-enabled-only=1", headers)
        assert (status, body) == (200, b'{"status":"ok"}')
        server.state.ready = False
        assert await get(server, "/healthz", headers) == (500, b'{"status":"error"}')
        status, body = await get(server, "/healthz", bearer("t"))
        assert status == 500 and b"failed to be ready" in body
        for question in ("account=A", "account=A&stream=S", "consumer=C", "details=1"):
            assert (await get(server, f"/healthz?{question}", headers))[0] == 401
            assert (await get(server, f"/healthz?{question}", bearer("t")))[0] != 401
        assert (await get(server, "/healthz?js-enabled-only=x", headers))[0] == 400
        assert (await get(server, "/varz", headers))[0] == 401

    serve(tmp_path, scenario, http_auth=HttpAuth(token="t", healthz_open=True))


class Gate:
    """Comparisons with hashes that wait until they are let go."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.open = threading.Event()
        self.given: list[bytes] = []
        patch.setattr(guard, "check_bcrypt", self._check)

    def _check(self, given: bytes, hash_: str) -> bool:
        self.given.append(given)
        assert self.open.wait(PATIENCE_S)
        return bcrypt.checkpw(given, hash_.encode())


def test_what_was_right_is_compared_once_and_strangers_wait_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)

    async def scenario(server: Server) -> None:
        gate.open.set()
        for _ in range(3):
            assert (await get(server, "/varz", bearer("t0ken")))[0] == 200
        assert gate.given == [b"t0ken"]
        gate.open.clear()
        stranger = asyncio.create_task(get(server, "/varz", bearer("guess")))
        await wait_until_async(lambda: len(gate.given) == 2, "the stranger's comparison")
        # Neither clients nor those who are known wait for it.
        assert (await get(server, "/varz", bearer("t0ken")))[0] == 200
        gate.open.set()
        assert (await stranger)[0] == 401

    serve(tmp_path, scenario, http_auth=HASHED)


def test_the_right_password_of_a_wrong_user_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    gate.open.set()

    async def scenario(server: Server) -> None:
        for _ in range(2):
            assert (await get(server, "/varz", basic("eve", "p:ä")))[0] == 401
        assert len(gate.given) == 2  # as for every wrong password
        assert (await get(server, "/varz", basic("ops", "p:ä")))[0] == 200
        assert (await get(server, "/varz", basic("ops", "p:ä")))[0] == 200
        assert len(gate.given) == 3

    serve(tmp_path, scenario, http_auth=HASHED)


def test_a_flood_of_guesses_is_refused_beyond_a_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)

    async def scenario(server: Server) -> None:
        gate.open.set()
        assert (await get(server, "/varz", bearer("t0ken")))[0] == 200
        gate.open.clear()
        same = [asyncio.create_task(ask(server, "/varz", bearer("same"))) for _ in range(20)]
        others = [asyncio.create_task(ask(server, "/varz", bearer(f"g{n}"))) for n in range(40)]
        room = WAITING_PER_NETWORK - 1  # the twenty that give the same wait for one comparison
        await wait_until_async(lambda: sum(task.done() for task in others) >= 40 - room, "refusals")
        refused = [await task for task in others if task.done()]
        assert {answer.status for answer in refused} == {503}
        assert {answer.header("retry-after")[0] for answer in refused} == {"1"}
        assert len(gate.given) == 2  # one at a time
        assert (await get(server, "/varz", bearer("t0ken")))[0] == 200
        gate.open.set()
        found = [(await task).status for task in (*same, *others)]
        assert set(found) == {401, 503}
        assert len(gate.given) <= 2 + WAITING_PER_NETWORK
        assert (await get(server, "/varz", bearer("guess")))[0] == 401  # there is room again

    serve(tmp_path, scenario, http_auth=HASHED)


def test_networks_take_turns_and_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)

    class Source:
        options = Options(http_auth=HASHED)

        class log:
            @staticmethod
            def warn_rarely(text: str) -> None: ...

            @classmethod
            def part(cls, _: str) -> type:
                return cls

    async def run() -> None:
        door = guard.Guard(Source())  # type: ignore[arg-type]

        def come(network: str, secret: str) -> asyncio.Task[Any]:
            peer: Any = type("Peer", (), {"network": network})
            return asyncio.create_task(door.admit(peer, f"Bearer {secret}"))

        flood = [come("10.0.0.1", f"a{n}") for n in range(WAITING_PER_NETWORK)]
        await wait_until_async(lambda: gate.given == [b"a0"], "the first")
        one = come("10.0.0.2", "b0")
        many = [come(f"10.1.0.{n}", "c") for n in range(WAITING_MAX)]
        await next_turn()
        busy = await asyncio.gather(*many[WAITING_MAX - WAITING_PER_NETWORK - 1 :])
        assert set(busy) == {guard.Admission.BUSY}
        gate.open.set()
        await asyncio.gather(*flood, one, *many)
        assert gate.given.index(b"b0") <= 2  # after the one under way, and one of the flood
        assert door.refusals == WAITING_MAX
        door.close()

    asyncio.run(run())


def test_a_reload_changes_who_comes_in_at_once(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        def reload(auth: HttpAuth | None) -> None:
            options = Options(**{
                name: getattr(server.options, name) for name in Options.__dataclass_fields__
            })  # fmt: skip
            options.http_auth = auth
            server.load_options = lambda: options
            assert server.reload()

        reader, writer = await asyncio.open_connection("127.0.0.1", server.http_port)

        async def status(headers: bytes) -> int:
            writer.write(b"GET /healthz HTTP/1.1\r\n" + HOST + headers + b"\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length: ")[1].split()[0])
            await reader.readexactly(size)
            return int(head.split()[1])

        assert await status(b"") == 200
        reload(HttpAuth(token=hashed("one")))
        assert await status(b"") == 401
        assert [await status(bearer("one")) for _ in range(2)] == [200, 200]
        reload(HttpAuth(token=hashed("two")))
        assert await status(bearer("one")) == 401
        assert await status(bearer("two")) == 200
        reload(None)
        assert await status(b"") == 200
        writer.close()

    log = serve(tmp_path, scenario)
    assert log.count("Reloaded: http_auth\n") == 3
    assert "$2b$" not in log


def test_a_reload_during_a_comparison_decides_by_the_new_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)

    async def scenario(server: Server) -> None:
        asking = asyncio.create_task(get(server, "/varz", bearer("t0ken")))
        await wait_until_async(lambda: bool(gate.given), "the comparison")
        server.state.options.http_auth = HttpAuth(token="other")
        gate.open.set()
        assert (await asking)[0] == 401

    serve(tmp_path, scenario, http_auth=HASHED)


def test_a_server_stops_while_a_comparison_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    asking: list[asyncio.Task[Any]] = []

    async def scenario(server: Server) -> None:
        for n in range(3):
            asking.append(asyncio.create_task(get(server, "/varz", bearer(f"guess{n}"))))
        await wait_until_async(lambda: bool(gate.given), "the comparison")
        await server.shutdown()
        gate.open.set()
        await asyncio.gather(*asking, return_exceptions=True)

    assert "internal error" not in serve(tmp_path, scenario, http_auth=HASHED)
    assert len(gate.given) == 1


def test_no_secret_is_shown(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        for headers in (bearer("guess-1"), basic("ops", "guess-2"), basic("guess-3", "x")):
            assert (await get(server, "/varz", headers))[0] == 401
        for path in PATHS:
            _, body = await get(server, path, bearer("s3cret-token"))
            assert b"s3cret" not in body

    secret = HttpAuth(user="ops", password="s3cret-word", token="s3cret-token")
    log = serve(tmp_path, scenario, http_auth=secret)
    assert "Monitoring: wrong credentials from 127.0.0.1" in log
    assert "s3cret" not in log and "guess" not in log
    assert "s3cret" not in repr(Options(http_auth=secret))
    assert "s3cret" not in repr(Given.of("Bearer s3cret"))
    [change] = diff(Options(), Options(http_auth=secret))
    assert change.reloadable and "s3cret" not in "".join(change.notices) + repr(change)
    assert startup_warnings(Options(http_auth=secret)) == [
        "Plaintext passwords detected, use nkeys or bcrypt"
    ]
    assert startup_warnings(Options(http_auth=HASHED)) == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("http_auth: 5", "1:1: http_auth must be a map, got integer"),
        ("http_auth {}", "1:1: http_auth needs a user and a password, or a token"),
        ("\n http_auth { healthz_open: true }", "2:2: http_auth needs a user and a password,"),
        ("http_auth { user: a }", "1:1: http_auth has a user, but no password"),
        ("http_auth { password: s3cret }", "1:1: http_auth has a password, but no user"),
        ("http_auth { user: 'a:b', password: s3cret }", "1:1: http_auth user can not contain"),
        ("http_auth { token: 's3cret word' }", "1:1: http_auth token can only consist of visible"),
        ("http_auth { token: 5 }", "1:13: token must be a string, got an integer"),
        ("http_auth { token: t, healthz_open: 1 }", "1:23: healthz_open must be true or false"),
        ("http_auth { tokken: t }", '1:13: unknown field "tokken"'),
    ],
)
def test_faults_in_the_block_name_the_place(text: str, error: str, tmp_path: Path) -> None:
    shown = fault_of(text, tmp_path)
    assert shown.startswith(error), shown
    assert "s3cret" not in shown


def test_a_block_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.conf"
    path.write_text("http_auth { username: a, pass: b, token: c, healthz_open: yes }")
    assert Options.load(path).http_auth == HttpAuth("a", "b", "c", True)
    path.write_text("HTTP_AUTH { user: a, password: $2a$04$xyz }")
    assert Options.load(path).http_auth == HttpAuth("a", "$2a$04$xyz")


def test_rules_of_a_program_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="http_auth has a user, but no password"):
        Server(Options(http_auth=HttpAuth(user="a")))
