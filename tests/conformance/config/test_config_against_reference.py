"""Configuration texts through the real server's `-t` and ours: same verdict, same digest, and the
same complaint where the wording is meant to be the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.config.check import NAME, complaints, ours, theirs
from tests.support.records import Recorded

ENVIRON = {
    "CFG_PORT": "4333",
    "CFG_TEXT": '"5"',
    "CFG_LIST": "[a, b]",
    "CFG_SIZE": "2kb",
    "CFG_MAP": "{a: b}",
    "CFG_CYCLE": "$CFG_CYCLE",
    "CFG_HOP": "$CFG_TEXT",
    "CFG_BAD": '"unfinished',
    "CFG_EMPTY": "",
}

# Any values may stand under `server_metadata`-like keys of a variable that is used, which lets
# a text exercise the grammar without meaning anything to the server.
GRAMMAR = [
    "port: 4222\n",
    "port=4222",
    "port 4222",
    "port\n4222\n",
    "port : 4222 # comment\n",
    "port: 4222 // comment\n",
    "port: 4222 / \n",
    "# only a comment\nport: 1\n",
    "port: 1, host: a\n",
    "port: 1; host: a;\n",
    "port: 1 host: a\n",
    "PORT: 1\nHost: h\n",
    "'port': 1\n\"host\": 'h'\n",
    '{"port": 4222, "host": "x"}',
    '{\n "port": 4222,\n "server_metadata": {"a": "b", "c": "d"}\n}\n',
    "{port: 1}{host: a}",
    "{{port: 1}}",
    "{{port: 1},host: h}",
    "{port: 1} x",
    "port: 1\n}\n",
    "port: 1\n}}\n",
    "port: 1\nport: 2\n",
    "port",
    "port:",
    "port:\n",
    "port: 1 2\n",
    ": 1\n",
    "= 1\n",
    "/ port: 1\n",
    "include\nport: 1",
    "include 5\n",
    "include [x]\n",
    "include {x}\n",
    "include (x)\n",
    "include \\x\n",
    'include "unfinished\n',
    "include 'unfinished\n",
    "include missing.conf\n",
    "include: x\n",
    # strings
    'server_name: "a\\tb\\n\\"\\\\"\n',
    'server_name: "a\\x41"\n',
    'pid_file: "\\xff"\n',
    'server_name: "\\xc3\\xa9"\n',
    'server_name: "\\q"\n',
    'server_name: "\\x4"\n',
    'server_name: "\\xzz"\n',
    'server_name: "two\nlines"\n',
    "server_name: 'raw\\n'\n",
    "server_name: 'it\n",
    'server_name: "open\n',
    "server_name: a\\x41b\n",
    "server_name: a\\tb\n",
    "server_name: a\\\n",
    "server_name: word'\n",
    "server_name: a//b\n",
    "server_name: a#b\n",
    "server_name: nats://user:pw@host:4222/x?y=1\n",
    "server_name: <&>\u2028é\n",
    "server_name: (\n raw text\n)\n",
    "server_name: (\n raw ) text\n )\n)\n",
    "server_name: (\n raw\n",
    "server_name: ()\n",
    "server_name: ;\n",
    "server_name: =\n",
    "server_name: = x\n",
    "server_name: é\n",
    "server_name: 🐍\n",
    'server_name: "\x01\x7f\x1f"\n',
    # numbers, dates, words that begin like numbers
    *(
        f"server_name: {word}\n"
        for word in ("127.0.0.1", "1h", "8bits", "1.2.3-4", "10x", "5kx", "1k5", "2'x y", "1\\q")
    ),
    *(
        f"max_traced_msg_len: {n}\n"
        for n in ("1k", "1kb", "1KiB", "2ki", "1m", "1MB", "1g", "1mi", "10M")
    ),
    *(f"max_pending: {n}\n" for n in ("1t", "1tb", "1p", "1pib", "1e", "1eb", "9g", "1gib ")),
    "max_pending: 9223372036854775807\n",
    "max_pending: 9223372036854775808\n",
    "max_traced_msg_len: -1\n",
    "max_traced_msg_len: -1k\n",
    "max_traced_msg_len: -\n",
    "max_traced_msg_len: -x\n",
    "max_traced_msg_len: -.5\n",
    "max_traced_msg_len: .5\n",
    "max_traced_msg_len: 1.\n",
    "max_traced_msg_len: 1k5\n",
    "max_traced_msg_len: 007\n",
    "authorization {token: t, timeout: 1.5}\n",
    "authorization {token: t, timeout: 1.50}\n",
    "authorization {token: t, timeout: 0.0000001}\n",
    "authorization {token: t, timeout: 2.0 }\n",
    "authorization {token: t, timeout: 1.5x }\n",
    "server_name: x\nd: 2016-05-04T18:53:41Z\nhost: $d\n",
    "d: 2016-05-04T18:53:41\n",
    "d: 2016-13-04T18:53:41Z\n",
    "d: 2016-05\n",
    "d: 16-05\n",
    # booleans
    *(f"debug: {word}\n" for word in ("true", "TRUE", "yes", "On", "false", "no", "OFF", '"true"')),
    # arrays and maps
    "server_tags: []\n",
    "server_tags: [a, b]\n",
    "server_tags: [a\nb\n]\n",
    "server_tags: [\n 'a', # one\n // two\n \"b\",\n]\n",
    "server_tags: [a b]\n",
    "server_tags: [,a]\n",
    "server_tags: [a,,b]\n",
    "server_tags: [a; b]\n",
    "server_tags: [a\n",
    "server_tags: [1 , 2 ]\n",
    "server_tags: [1k]\n",
    "server_tags: [a]]\n",
    "server_tags [a]\n",
    "server_tags[a]\n",
    "server_metadata {a: b, c: d; e: f\n g: h }\n",
    "server_metadata: {\n# c\na: b // c\n}\n",
    "server_metadata {a: b c: d}\n",
    "server_metadata {'a b': c}\n",
    "server_metadata {a:\n\n b}\n",
    "server_metadata {a\n b}\n",
    "server_metadata {a: , }\n",
    "server_metadata {: b}\n",
    "server_metadata {]}\n",
    "server_metadata {a: b\n",
    "server_metadata {'a\n",
    "server_metadata {a\n",
    "server_metadata {}\n",
    "server_metadata {a: (\ntext\n)\n}\n",
    "server_metadata {a: (\ntext\n)}\n",
    # variables
    "p: 4222\nport: $p\n",
    "port: $p\np: 1\n",
    "p: 1\nserver_metadata {p: x, a: $p}\n",
    "m {p: 1}\nport: $m\n",
    "server_metadata {a: x, b: $a}\n",
    "t: [a, b]\nserver_tags: $t\n",
    "t: a\nserver_tags: [$t, $t]\n",
    "port: $CFG_PORT\n",
    "server_name: $CFG_TEXT\n",
    "server_name: $CFG_HOP\n",
    "max_payload: $CFG_SIZE\n",
    "server_metadata: $CFG_MAP\n",
    "server_name: $CFG_CYCLE\n",
    "server_name: $CFG_BAD\n",
    "server_name: $CFG_EMPTY\n",
    "server_name: $CFG_MISSING_VARIABLE\n",
    'server_name: "$CFG_TEXT"\n',
    "server_name: $\n",
    "unused: 1\n",
    "authorization {user: u, password: $2a$11$abcdefghijklmnopqrstuv}\n",
    "authorization {user: u, password: $2b$11$abcdefghijklmnopqrstuv}\n",
    'authorization {user: u, password: "$2b$11$abcdefghijklmnopqrstuv"}\n',
]

MEANING = [
    "",
    "\n# nothing\n",
    "\nbogus: 1\n",
    "\nport: x\n",
    "\nport: 1.5\n",
    "\nport: true\n",
    "\nhost: 1\n",
    "\ndebug: 1\n",
    "\nlisten: 4222\n",
    "\nlisten: 127.0.0.1:4222\n",
    '\nlisten: "[::1]:4222"\n',
    "\nlisten: -1\n",
    "\nlisten: localhost\n",
    "\nlisten: localhost:x\n",
    "\nlisten: a:b:1\n",
    "\nlisten: true\n",
    "\nhttp: 8222\n",
    '\nhttp: "127.0.0.1:-1"\n',
    "\nmonitor_port: 8222\n",
    "\nhttp_base_path: /nats\n",
    '\nserver_name: "a b"\n',
    "\nserver_tags: a\n",
    "\nserver_tags: 5\n",
    "\nserver_tags: {}\n",
    "\nserver_metadata: 5\n",
    "\nserver_metadata {a: 5}\n",
    "\nmax_control_line: 3gb\n",
    "\nmax_payload: 3gb\n",
    "\nmax_sub_tokens: 0\n",
    "\nmax_sub_tokens: 256\n",
    "\nmax_sub_tokens: 16\n",
    "\nmax_connections: 0\n",
    "\nmax_conn: 10\nmax_subs: 5\nping_max: 3\nmax_closed_clients: 5\n",
    '\nping_interval: "30s"\n',
    "\nping_interval: 30s\n",
    "\nping_interval: 30\n",
    '\nping_interval: "30"\n',
    '\nping_interval: "30x"\n',
    '\nping_interval: ""\n',
    '\nwrite_deadline: "1h2m3.5s"\n',
    "\nwrite_deadline: 5\n",
    "\nwrite_timeout: close\n",
    "\nwrite_timeout: never\n",
    '\nlame_duck_duration: "10s"\n',
    '\nlame_duck_duration: "x"\n',
    "\nlame_duck_duration: 5\n",
    '\nlame_duck_duration: "90s"\nlame_duck_grace_period: "5s"\n',
    '\nlame_duck_grace_period: "-5s"\n',
    "\ntrace_verbose: true\ntrace_headers: true\nlogtime: false\nlogtime_utc: true\n",
    "\nlogfile: x.log\nlogfile_size_limit: 10MB\nlogfile_max_num: 3\n",
    "\nsyslog: true\nremote_syslog: 'udp://localhost:514'\npid_file: p\nports_file_dir: d\n",
    "\nno_header_support: true\nno_sublist_cache: true\nno_fast_producer_stall: true\n",
    "\nconnect_error_reports: 5\nreconnect_error_reports: 5\nclient_advertise: 'h:1'\n",
    "\njetstream: false\n",
    "\njetstream: disabled\n",
    # authorization
    "\nauthorization: 5\n",
    "\nauthorization {}\n",
    "\nauthorization {user: a, pass: b}\n",
    "\nauthorization {username: a, password: b, timeout: 3}\n",
    "\nauthorization {token: t}\n",
    "\nauthorization {token: 5}\n",
    "\nauthorization {user: a, pass: b, token: t}\n",
    "\nauthorization {user: a, users: [{user: b}]}\n",
    "\nauthorization {token: a, users: [{user: b}]}\n",
    "\nauthorization {token: a, users: []}\n",
    "\nauthorization {users: [{user: a, pass: b}, {user: b, pass: c}]}\n",
    "\nauthorization {users: [{user: a}, {user: a}]}\n",
    "\nauthorization {users: [{pass: a}]}\n",
    "\nauthorization {users: [a]}\n",
    "\nauthorization {users: {user: a}}\n",
    "\nauthorization {users: [{user: a, colour: red}]}\n",
    "\nauthorization {user: a, colour: red}\n",
    "\nauthorization {c: x, user: $c}\n",
    '\nauthorization {token: t, timeout: "90s"}\n',
    "\nauthorization {token: t, timeout: 90}\n",
    "\nauthorization {token: t, timeout: 90.5}\n",
    '\nauthorization {token: t, timeout: "x"}\n',
    "\nauthorization {token: t, timeout: true}\n",
    *(
        f"\nauthorization {{users: [{{user: a, pass: b, permissions: {text} }}]}}\n"
        for text in (
            "{}",
            "5",
            '{publish: "a.>"}',
            '{pub: ["a", "b.*"], sub: "c"}',
            '{import: "a", export: "b"}',
            '{publish: {allow: "a", deny: ["b"]}}',
            '{publish: {allow: "a", refuse: "b"}}',
            "{publish: {}}",
            "{publish: []}",
            "{publish: 5}",
            "{publish: [5 ]}",
            '{publish: "a..b"}',
            '{publish: "a b"}',
            '{publish: ">.a"}',
            '{subscribe: "a q"}',
            '{subscribe: "a q.*"}',
            '{subscribe: "a q r"}',
            '{subscribe: "a q..r"}',
            '{subscribe: "a..b q"}',
            "{allow_responses: true}",
            "{allow_responses: false}",
            "{allow_responses: 5}",
            '{allow_responses: {max: 5, expires: "1m"}}',
            '{allow_responses: {max: -1, ttl: "-1s"}}',
            '{allow_responses: {max: 5, expires: "x"}}',
            "{allow_responses: {max: 5, expires: 5}}",
            "{allow_responses: {most: 5}}",
            "{read: a}",
        )
    ),
    "\nauthorization {default_permissions: {publish: a}, users: [{user: a}]}\n",
    "\nauthorization {users: [{user: a, allowed_connection_types: [standard, WEBSOCKET]}]}\n",
    "\nauthorization {users: [{user: a, allowed_connection_types: carrier}]}\n",
    "\nauthorization {users: [{user: a, allowed_connection_types: [a, b]}]}\n",
    "\nauthorization {users: [{user: a, allowed_connection_types: 5}]}\n",
    "\nauthorization {users: [{user: a, allowed_connection_types: [5 ]}]}\n",
]

# The real server takes such a hash for a variable, and shows it in its complaint.
ACCEPTED = {"authorization {user: u, password: $2b$11$abcdefghijklmnopqrstuv}\n"}

# Complaints that the real server words as a Go type assertion; ours says what was expected.
_TYPE_MISMATCH = "interface conversion:"


@pytest.mark.parametrize("text", GRAMMAR, ids=ascii)
def test_grammar(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    path = tmp_path / NAME
    path.write_bytes(text.encode())
    expected_code, expected = theirs(recorded, tmp_path, environ=ENVIRON)
    code, output = ours(tmp_path, monkeypatch, environ=ENVIRON)
    if text in ACCEPTED:
        assert (expected_code, code) == (1, 0)
        return
    assert (code, output) == (expected_code, output), expected
    if expected_code == 0:
        assert output == expected
    wording = re.fullmatch(r"nats-server: Parse error on line \d+: '(.*)'\n", expected, re.DOTALL)
    if wording and "\0" not in expected:
        assert wording[1] in output


@pytest.mark.parametrize("text", MEANING, ids=ascii)
def test_meaning(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    path = tmp_path / NAME
    path.write_text(text)
    expected_code, expected = theirs(recorded, tmp_path, environ=ENVIRON)
    code, output = ours(tmp_path, monkeypatch, environ=ENVIRON)
    assert (code, output) == (expected_code, output), expected
    if _TYPE_MISMATCH in expected:  # followed, now and then, by what the panic led to
        place = re.search(r"a\.conf:\d+:\d+", expected)
        assert place is not None and place[0] in output
        return
    for line, wanted in zip(complaints(output), complaints(expected), strict=True):
        if not wanted.startswith(
            ("a.conf:", "configuration file")
        ):  # ours knows the place all the same
            line = line.partition(": ")[2]
        if "user entry" in wanted or "unsupported type" in wanted or "got" in wanted:
            assert line.split(" ")[1:4] == wanted.split(" ")[1:4]
        elif "User entry requires" in wanted:  # theirs points at the closing brace
            assert line.split(" ")[1:] == wanted.split(" ")[1:]
        else:
            assert line == wanted


def test_includes_merge_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/users.conf").write_text("users: [{user: a, pass: b}]\ninclude deeper.conf\n")
    (tmp_path / "sub/deeper.conf").write_text("timeout: 1\n")
    (tmp_path / "names.conf").write_text("server_name: n\nport: 1")
    path = tmp_path / NAME
    path.write_text(
        "include names.conf\nauthorization {\n  include 'sub/users.conf'\n}\n"
        'include "/names.conf"\nport: 2\n'
    )
    expected = theirs(recorded, tmp_path, environ=ENVIRON)
    assert expected[0] == 0
    assert ours(tmp_path, monkeypatch, environ=ENVIRON) == expected


ANY_VALUE = [
    *("1.0", "0.00001", "0.0000001", "123456789.5", "1234567890123456789.5", "1e", "-5", "off"),
    *("1234567890123456789012.5", "2016-05-04T18:53:41Z", '"\\x7f\\x01"', "é<&>", "'x y'"),
    *("[[1 , 1k5 ], {b: 1, a: [], Z: {}}]", "(\n a\n)\n", "{é<: 1, z: 2, A: 3}", "$CFG_MAP"),
]


@pytest.mark.parametrize("value", ANY_VALUE)
def test_digest_of_any_value(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    path = tmp_path / NAME
    # Using the key in a value that is replaced later makes it known, whatever its type.
    path.write_text(f"v: {value}\nhost: $v\nhost: x\n")
    expected = theirs(recorded, tmp_path, environ=ENVIRON)
    assert expected[0] == 0
    assert ours(tmp_path, monkeypatch, environ=ENVIRON) == expected


# Where we refuse, or accept, on purpose what the real server does not.
STRICTER = {
    "server_metadata {a:}\n": "the key loses its value to the map around it",
    "{ port: 1\n": "a file that was cut off",
    '"': "an unfinished key",
    "max_payload: 1kbb\n": "the number disappears and shifts the keys after it",
    "max_pending: 100e\n": "the number overflows",
    "a\0: 1\n": "a NUL byte",
    "max_payload: 2mb\nmax_pending: 1mb\n": "the server would not start",
    "no_auth_user: nobody\n": "the server would not start",
    "port: 70000\n": "the server would not start",
    "max_payload: -1\n": "nothing could be published",
}


@pytest.mark.parametrize("text", STRICTER, ids=ascii)
def test_stricter_on_purpose(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / NAME
    path.write_text(text)
    code, output = ours(tmp_path, monkeypatch, environ=ENVIRON)
    assert code == 1
    assert output.startswith("nats-server: ") and "\n" not in output.rstrip("\n")


@pytest.mark.parametrize("name", ["a.conf", "a.toml"])
def test_the_mark_of_utf8_in_front_is_skipped(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Editors on Windows write it; the real server takes it for a part of the first key."""
    text = {"a.conf": "include b.conf\nport: 1\n", "a.toml": "port = 1\n"}[name]
    (tmp_path / name).write_text(text, encoding="utf-8-sig")
    (tmp_path / "b.conf").write_text("host: h\nbogus: 1\n", encoding="utf-8-sig")
    _, output = ours(tmp_path, monkeypatch, ("-t", "-c", name))
    if name == "a.toml":
        assert "is valid" in output
    else:
        assert output == 'nats-server: b.conf:2:1: unknown field "bogus"\n'


def test_utf16_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / NAME).write_text("port: 1\n", encoding="utf-16")
    assert ours(tmp_path, monkeypatch) == (
        1,
        "nats-server: a.conf is UTF-16 text: save it as UTF-8\n",
    )


def test_environment_may_hold_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / NAME
    path.write_text("server_tags: $CFG_LIST\n")
    code, output = ours(tmp_path, monkeypatch, environ=ENVIRON)
    assert (code, "is valid" in output) == (0, True)


def test_number_before_closing_bracket_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Recorded
) -> None:
    """JSON has it all the time; the real server takes the bracket for a part of the word."""
    path = tmp_path / NAME
    path.write_text("v: [1, 2]\nport: 1\nx: $v\n")
    assert theirs(recorded, tmp_path, environ=ENVIRON)[0] == 1
    code, output = ours(tmp_path, monkeypatch, environ=ENVIRON)
    assert (code, output) == (1, 'nats-server: a.conf:3:1: unknown field "x"\n')
