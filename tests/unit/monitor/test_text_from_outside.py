"""Whatever bytes a client, a request or a file brings, every output stays readable."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from pynats_common.go.json import read_json
from pynats_common.go.text import clean, one_line, text_of
from pynats_server.auth import ConnectOptions
from pynats_server.log.logger import Logger
from pynats_server.options import LogOptions

from tests.support.client import Client
from tests.support.deadline import PATIENCE_S
from tests.support.process import PYNATS, ServerProcess
from tests.support.raw import RawClient

LONE = b"\\ud800"  # half a surrogate pair, as JSON spells it
BROKEN = b"\xff\xe2\x82"  # no UTF-8
CONTROLS = b"\\u001b[2J\\u0085\\u2028\\nforged"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain", "plain"),
        ("é☃".encode(), "é☃"),
        (b"\xff", "\ufffd"),
        (b"a\xe2\x82b", "a\ufffd\ufffdb"),  # Go: one for each byte
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
    ],
)
def test_each_byte_that_is_not_utf8_becomes_a_replacement(raw: bytes, text: str) -> None:
    assert text_of(raw) == text


def test_halves_of_surrogate_pairs_become_replacements() -> None:
    assert clean("a\ud800b\udfff") == "a\ufffdb\ufffd"
    assert clean("é\U0001f600") == "é\U0001f600"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\rc\td", "a\\nb\\rc\\td"),
        ("\x1b[2J\x00\x7f\x85", "\\x1b[2J\\x00\\x7f\\x85"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
        ("é ☃", "é ☃"),
    ],
)
def test_control_characters_are_shown_not_obeyed(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    "field", ["name", "lang", "version", "user", "pass", "auth_token", "nkey", "jwt", "sig"]
)
@pytest.mark.parametrize("odd", [LONE, BROKEN])
def test_fields_of_connect_are_cleaned_where_they_enter(field: str, odd: bytes) -> None:
    options = ConnectOptions()
    options.update(b'{"%s":"a%sz"}' % (field.encode(), odd))
    attribute = {"pass": "password"}.get(field, field)
    assert getattr(options, attribute) == "a" + "\ufffd" * (3 if odd == BROKEN else 1) + "z"


class Sink:
    """Keeps the lines of a log."""

    decorated, colored = True, False

    def __init__(self) -> None:
        self.lines = b""

    def write(self, data: bytes, severity: int) -> None:
        self.lines += data

    def reopen(self) -> bool:
        return False

    def close(self) -> None:
        pass


def test_no_text_begins_a_line_of_the_log_or_moves_the_cursor() -> None:
    sink = Sink()
    Logger(LogOptions(), sink).notice("a\n[1] forged\r\x1b[2J\x85\u2028\ud800")
    assert sink.lines.count(b"\n") == 1
    assert sink.lines.endswith(b"a\\n[1] forged\\r\\x1b[2J\\x85\\u2028\\ud800\n")


# -- a server with clients of every kind ---------------------------------------------------------

CONFIG = """
server_name: "s"
debug: true
trace: true
jetstream { store_dir: "@FOLDER@/js" }
"""
PATHS = [
    "varz",
    "connz",
    "connz?subs=detail&auth=1",
    "connz?state=closed&subs=detail&auth=1",
    "connz?state=any",
    "subsz?subs=1",
    "accountz?acc=$G",
    "accstatz?unused=1",
    "jsz?streams=1&config=1",
    "healthz?details=1",
    "metrics",
]
PARAMETERS = [
    ("connz", "sort"), ("connz", "state"), ("connz", "user"), ("connz", "acc"), ("connz", "cid"),
    ("connz", "filter_subject"), ("connz", "mqtt_client"), ("subsz", "test"), ("subsz", "acc"),
    ("subsz", "limit"), ("accountz", "acc"), ("jsz", "acc"), ("jsz", "streams"),
    ("healthz", "account"), ("healthz", "stream"), ("healthz", "consumer"), ("accstatz", "unused"),
    ("raftz", "acc"), ("varz", "x"), ("nope", "x"),
]  # fmt: skip


def connect(server: ServerProcess, odd: bytes, secret: bytes = b"") -> RawClient:
    client = RawClient(server.port)
    client.read_info()
    fields = b'"name":"n%s","lang":"l%s","version":"v%s"' % (odd, odd, odd)
    client.send(b'CONNECT {"verbose":false,"protocol":1,%s%s}\r\n' % (fields, secret))
    return client


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("texts")
    with ServerProcess(PYNATS, folder, CONFIG, monitor=True) as server:
        clients = []
        for odd in (LONE, BROKEN, CONTROLS):
            client = connect(server, odd, b',"user":"u%s"' % odd)
            client.send(b"SUB a.\xff\xe2\x82 q\xff \xfe1\r\nPUB a.\xff 2\r\nhi\r\n")
            client.fence()
            clients.append(client)
            gone = connect(server, odd)
            gone.send(b"SUB b.\xff 1\r\n")
            gone.fence()
            gone.close()
        with Client(server.port) as client:
            described = {"description": "d\ud800", "metadata": {"k\ud800": "v\udfff"}}
            body = {"name": "S", "subjects": ["s.>"], **described}
            client.request("$JS.API.STREAM.CREATE.S", json.dumps(body).encode())
            client.publish_raw(b"PUB s.\xff\xe2 2\r\nhi\r\n")
            client.flush()
        yield server
        for client in clients:
            client.close()


def get(server: ServerProcess, path: str) -> tuple[int, bytes]:
    url = f"{server.monitor_url}/{path}"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


@pytest.mark.parametrize("path", PATHS)
def test_every_endpoint_shows_clients_with_odd_texts(server: ServerProcess, path: str) -> None:
    status, body = get(server, path)
    assert status == 200
    text = body.decode()
    assert not any(char < " " and char != "\n" for char in text)
    if path.startswith("connz"):
        names = {each["name"] for each in json.loads(text)["connections"] if "name" in each}
        assert {"n\ufffd", "n\ufffd\ufffd\ufffd"} <= names
    if path.startswith("jsz"):
        assert "d\ufffd" in text


@pytest.mark.parametrize(("endpoint", "name"), PARAMETERS)
@pytest.mark.parametrize("odd", [b"\xff", b"\xed\xa0\x80", b"\x1b\n\x00", "\u2028".encode()])
def test_no_parameter_breaks_an_answer(
    server: ServerProcess, endpoint: str, name: str, odd: bytes
) -> None:
    status, body = get(server, f"{endpoint}?subs=1&auth=1&{name}={quote(odd)}")
    assert status in (200, 400, 404)
    if body.startswith(b"{"):
        json.loads(body.decode())


def test_the_api_and_the_log_show_odd_texts(server: ServerProcess) -> None:
    with Client(server.port) as client:
        info = client.request("$JS.API.STREAM.INFO.S", b'{"subjects_filter":">"}')
        assert info is not None
        answer = json.loads(info.payload.decode())
        assert answer["config"]["description"] == "d\ufffd"
        assert answer["config"]["metadata"]["k\ufffd"] == "v\ufffd"
        assert list(answer["state"]["subjects"]) == ["s.\ufffd\ufffd"]
    log = (server.log_path).read_bytes()
    assert b"\x1b" not in log
    assert b"Traceback" not in log
    assert all(line.startswith(b"[") for line in log.splitlines())


def test_subsz_finds_subscriptions_whose_subject_is_not_utf8(server: ServerProcess) -> None:
    found = json.loads(get(server, "subsz?subs=1&test=a." + quote(b"\xff\xe2\x82"))[1])
    assert found["total"] == 3


def test_files_of_other_servers_are_text_from_outside_too() -> None:
    found = read_json(b'{"d\\ud800": ["\\udfff", {"a": "\xff"}], "n": 1}')
    assert found == {"d\ufffd": ["\ufffd", {"a": "\ufffd"}], "n": 1}


def test_a_refused_client_with_odd_texts_is_shown(tmp_path: Path) -> None:
    config = "authorization { user: a, password: b }\n"
    with ServerProcess(PYNATS, tmp_path, config, monitor=True) as server:
        with connect(server, LONE, b',"user":"u\\ud800","pass":"x"') as client:
            client.read_to_end()
        status, body = get(server, "connz?state=closed&auth=1")
    (closed,) = json.loads(body)["connections"]
    assert (status, closed["name"]) == (200, "n\ufffd")
