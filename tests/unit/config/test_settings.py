"""Loading options, validation, reload rules, TOML, and flags on top of a file."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pynats_server.options import (
    Authorization,
    JetStreamOptions,
    OperatorOptions,
    Options,
    Permissions,
    ProxyOptions,
    ResolverOptions,
    ResponsePermission,
    SubjectPermission,
    TlsOptions,
    User,
)
from pynats_server.process.flags import FLAGS, parse_command_line
from pynats_server.settings import TOP_LEVEL, SettingsError, diff, load_file, startup_warnings
from pynats_server.settings.paths import get_path


def _load(tmp_path: Path, text: str, name: str = "s.conf") -> Options:
    path = tmp_path / name
    path.write_text(text)
    return load_file(path)


def _errors(tmp_path: Path, text: str, name: str = "s.conf") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, text, name)
    return [line.removeprefix(f"{tmp_path}/") for line in caught.value.errors]


def test_every_key_lands_in_its_field(tmp_path: Path) -> None:
    options = _load(
        tmp_path,
        """
        listen: "127.0.0.1:-1"; http: 8222; http_base_path: base//x/; client_advertise: "c:1"
        server_name: n; server_tags: [a, b]; server_metadata {k: v}
        max_control_line: 1kb; max_payload: 2mb; max_pending: 3mb; max_conn: 5; max_subs: 6
        max_sub_tokens: 7; max_closed_clients: 8; ping_interval: "1m"; ping_max: 9
        write_deadline: "3s"; write_timeout: close; no_fast_producer_stall: yes
        no_header_support: on; no_sublist_cache: true; lame_duck_duration: "40s"
        lame_duck_grace_period: "1s"; connect_error_reports: 2; reconnect_error_reports: 3
        debug: true; trace_verbose: true; logtime: false; logtime_utc: true
        max_traced_msg_len: 10; logfile: l; log_size_limit: 1k; log_max_num: 4; syslog: true
        remote_syslog: "udp://h:1"; pid_file: p; ports_file_dir: d
        """,
    )
    assert (options.host, options.port, options.http_port) == ("127.0.0.1", -1, 8222)
    assert (options.http_base_path, options.client_advertise) == ("/base/x", "c:1")
    assert (options.server_name, options.server_tags) == ("n", ["a", "b"])
    assert options.server_metadata == {"k": "v"}
    assert (options.max_control_line, options.max_payload, options.max_pending) == (
        1024,
        2 * 2**20,
        3 * 2**20,
    )
    assert (options.max_connections, options.max_subscriptions) == (5, 6)
    assert (options.max_subscription_tokens, options.max_closed_clients) == (7, 8)
    assert (options.ping_interval, options.ping_max) == (60.0, 9)
    assert (options.write_deadline, options.write_timeout) == (3.0, "close")
    assert options.no_fast_producer_stall and options.no_header_support
    assert options.disable_sublist_cache
    assert (options.lame_duck_duration, options.lame_duck_grace_period) == (40.0, 1.0)
    assert (options.connect_error_reports, options.reconnect_error_reports) == (2, 3)
    log = options.log
    assert (log.debug, log.trace, log.trace_verbose) == (True, True, True)
    assert (log.logtime, log.logtime_utc, log.max_traced_msg_len) == (False, True, 10)
    assert (log.log_file, log.log_size_limit, log.log_max_num) == (Path("l"), 1000, 4)
    assert (log.syslog, log.remote_syslog) == (True, "udp://h:1")
    assert (options.pid_file, options.ports_file_dir) == (Path("p"), Path("d"))


def test_zero_means_the_default_except_for_connections(tmp_path: Path) -> None:
    options = _load(
        tmp_path, 'port: 0\nmax_payload: 0\nping_interval: "0s"\nmax_connections: 0\nping_max: 0\n'
    )
    assert (options.port, options.max_payload, options.ping_interval) == (4222, 2**20, 120.0)
    assert (options.max_connections, options.ping_max) == (-1, 2)


def test_users_and_permissions(tmp_path: Path) -> None:
    options = _load(
        tmp_path,
        """
        authorization {
          default_permissions { subscribe: "_INBOX.>" }
          users: [
            { user: a, password: p, permissions: {
                publish: {allow: [x, "y.*"], deny: z}, subscribe: "s q",
                allow_responses: {max: 3, expires: "5s"} } }
            { user: b, allowed_connection_types: [standard, mqtt],
              permissions: {allow_responses: true} }
            { user: c }
          ]
        }
        """,
    )
    default = Permissions(subscribe=SubjectPermission(["_INBOX.>"]))
    assert options.authorization == Authorization(
        present=True,
        default_permissions=default,
        users=[
            User(
                "a",
                "p",
                Permissions(
                    SubjectPermission(["x", "y.*"], ["z"]),
                    SubjectPermission(["s q"]),
                    ResponsePermission(3, 5.0),
                ),
            ),
            User(
                "b",
                "",
                Permissions(SubjectPermission([]), None, ResponsePermission(1, 120.0)),
                ["STANDARD", "MQTT"],
            ),
            User("c", "", default),
        ],
    )


def test_all_complaints_are_listed_in_order(tmp_path: Path) -> None:
    assert _errors(tmp_path, "port: x\nbogus: 1\nauthorization {user: a, b: 1, token: t}\n") == [
        "s.conf:1:1: port must be an integer, got a string",
        's.conf:2:1: unknown field "bogus"',
        's.conf:3:25: unknown field "b"',
        "s.conf:3:1: Cannot have a user/pass and token",
    ]


@pytest.mark.parametrize(
    "setting", [s for s in TOP_LEVEL.settings if s.read is None], ids=lambda s: s.name
)
def test_what_is_not_built_is_refused_unless_off(setting: Any, tmp_path: Path) -> None:
    for key in (setting.name, *setting.aliases, setting.name.upper()):
        message = f's.conf:1:1: "{key}" is not supported yet by this version'
        assert _errors(tmp_path, f"{key}: {{a: b}}\n") == [message]
        assert _errors(tmp_path, f"{key}: true\n") == [message]
    for off in setting.off:
        assert _load(tmp_path, f"{setting.name}: {json.dumps(off)}\n").warnings == []


def test_toml_is_validated_alike(tmp_path: Path) -> None:
    options = _load(
        tmp_path, 'port = 5222\nping_interval = "5s"\n[server_metadata]\na = "b"\n', "s.toml"
    )
    assert (options.port, options.ping_interval, options.server_metadata) == (5222, 5.0, {"a": "b"})
    assert _errors(
        tmp_path, 'host = "x"\nport = "x"\n\n[authorization]\nbogus = 1\n', "s.toml"
    ) == [
        "s.toml:2:1: port must be an integer, got a string",
        's.toml:5:1: unknown field "bogus"',
    ]


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ('max_payload = "2MB"', "max_payload", 2 << 20),
        ('max_payload = "512"', "max_payload", 512),
        ('max_pending = "1GiB"', "max_pending", 1 << 30),
        ('max_pending = "128M"', "max_pending", 128 << 20),
        ('log_size_limit = "1.5 MB"', "log.log_size_limit", 3 << 19),
        ('[jetstream]\nmax_mem = "1GB"', "jetstream.max_memory", 1 << 30),
        ('[jetstream]\nmax_file = "10G"', "jetstream.max_file", 10 << 30),
        ('[jetstream]\nmax_buffered_size = "64MiB"', "jetstream.max_buffered_size", 64 << 20),
        ('[jetstream]\nmax_buffered_msgs = "10K"', "jetstream.max_buffered_msgs", 10 << 10),
        ('write_deadline = "1m30s"', "write_deadline", 90.0),
        ('[jetstream]\nsync_interval = "2m"', "jetstream.sync_interval", 120.0),
        ('[authorization]\ntimeout = "3s"', "authorization.timeout", 3.0),
    ],
)
def test_toml_has_sizes_and_durations_with_units_as_texts(
    text: str, path: str, value: float, tmp_path: Path
) -> None:
    assert get_path(_load(tmp_path, text + "\n", "s.toml"), path) == value


@pytest.mark.parametrize("text", ['max_payload = "2XB"', 'port = "x"', 'ping_interval = "5"'])
def test_toml_with_a_wrong_unit_says_so_without_words_of_go(text: str, tmp_path: Path) -> None:
    (error,) = _errors(tmp_path, text + "\n", "s.toml")
    assert error.startswith("s.toml:1:1: ")
    assert not re.search(r"int64|strconv|interface|map\[|time: ", error)


def test_toml_with_a_wrong_size_says_what_a_size_looks_like(tmp_path: Path) -> None:
    (error,) = _errors(tmp_path, 'max_payload = "2XB"\n', "s.toml")
    assert error == (
        's.toml:1:1: max_payload must be an integer or a size such as "10MB", got "2XB"'
    )


@pytest.mark.parametrize("text", ["4222x", "4222", "1K"])
def test_a_port_is_no_size_in_toml(text: str, tmp_path: Path) -> None:
    (error,) = _errors(tmp_path, f'port = "{text}"\n', "s.toml")
    assert error == "s.toml:1:1: port must be an integer, got a string"


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("prot: 4222", "port"),
        ("max_paylod: 1", "max_payload"),
        ("jetstream {stor_dir: x}", "store_dir"),
        ("authorization {usr: a}", "user"),
        ("accounts {A {user: []}}", "users"),
        ("bogus: 1", ""),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest(
    text: str, suggestion: str, tmp_path: Path
) -> None:
    (error,) = _errors(tmp_path, text + "\n")
    assert (f'(did you mean "{suggestion}"?)' in error) == bool(suggestion)
    assert ("did you mean" in error) == bool(suggestion)


def test_a_rule_broken_by_a_flag_does_not_blame_the_file(tmp_path: Path) -> None:
    (tmp_path / "s.conf").write_text("server_name: fine\n")
    command = parse_command_line(["-c", str(tmp_path / "s.conf"), "-n", "a b"])
    assert command.stderr == "pynats-server: server name cannot contain spaces\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("host: h\nsystem_account: X\naccounts {Y: {}}", "2:1: error resolving system account"),
        ("host: h\nno_auth_user: x", '2:1: no_auth_user: "x" present'),
        ("accounts {Y: {}}\nsystem_account: '$G'", "2:1: the global account"),
        ("accounts {A: {users: [{user: x}]}, B: {users: [{user: x}]}}", "1:"),
        ("host: h\njetstream {domain: a.b}", "2:1: invalid domain name"),
        ("port: -1\nclient_advertise: 'h:x'", "2:1: client_advertise must be"),
    ],
)
def test_rules_between_settings_name_the_place(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "s.conf").write_text(text + "\n")
    command = parse_command_line(["-c", str(tmp_path / "s.conf")])
    assert command.exit_code == 1
    assert f"s.conf:{message}" in command.stderr


def test_flags_win_over_the_file_and_again_at_reload(tmp_path: Path) -> None:
    path = tmp_path / "s.conf"
    path.write_text("port: 1\ndebug: true\ntrace: true\nserver_name: file\nmax_payload: 100\n")
    command = parse_command_line(["-c", str(path), "-p", "2", "-D=false", "--name", "flag"])
    assert command.exit_code is None and command.options is not None
    options = command.options
    assert (options.port, options.server_name, options.max_payload) == (2, "flag", 100)
    assert (options.log.debug, options.log.trace) == (False, True)
    path.write_text("port: 3\ndebug: true\nmax_payload: 200\n")
    again = command.load()
    assert (again.port, again.log.debug, again.log.trace, again.max_payload) == (
        2,
        False,
        False,
        200,
    )


@pytest.mark.parametrize(
    ("args", "levels"),
    [
        (["-D"], (True, False, False)),
        (["-V"], (False, True, False)),
        (["-DV"], (True, True, False)),
        (["-VV"], (False, True, True)),
        (["-DVV"], (True, True, True)),
        (["-DV", "-D=false"], (True, True, False)),
        (["-V", "-DV=false"], (False, False, False)),
    ],
)
def test_log_flags(args: list[str], levels: tuple[bool, bool, bool]) -> None:
    options = parse_command_line(args).options
    assert options is not None
    assert (options.log.debug, options.log.trace, options.log.trace_verbose) == levels


@pytest.mark.parametrize("flag", [f for f in FLAGS if f.later], ids=lambda f: f.names[0])
def test_flags_of_unbuilt_parts_are_refused_in_one_line(flag: Any) -> None:
    for name in flag.names:
        command = parse_command_line([f"--{name}=1"])
        assert command.exit_code == 1
        assert command.stderr.endswith(" is not supported yet by this version\n")
        assert command.stderr.count("\n") == 1
        off = {"bool": "false", "int": "0", "str": ""}[flag.kind]
        assert parse_command_line([f"--{name}={off}"]).options == Options()


def test_version_line() -> None:
    assert parse_command_line(["-v"], "nats-server").stdout == "nats-server: v2.15.1\n"
    assert parse_command_line(["-v"]).stdout == "pynats-server: v2.15.1 (PyNATS 0.1.0)\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('lame_duck_grace_period: "3m"', "lame duck grace period (3m0s) should be strictly lower"),
        ("max_pending: 1k", "max_payload (1048576) cannot be higher than max_pending (1000)"),
        ("no_auth_user: x", 'no_auth_user: "x" present, but users/nkeys are not defined'),
        (
            "no_auth_user: x\nauthorization {users: [{user: y}]}",
            'no_auth_user: "x" not present as user or nkey in authorization block',
        ),
    ],
)
def test_rules_between_settings(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "s.conf").write_text(text + "\n")
    command = parse_command_line(["-c", str(tmp_path / "s.conf")])
    assert command.exit_code == 1
    key = text.partition(":")[0]
    assert re.match(rf"pynats-server: \S+/s\.conf:1:1: {re.escape(message)}", command.stderr), key


def test_startup_warnings() -> None:
    plaintext = Options(authorization=Authorization(users=[User("a", "secret")]))
    assert startup_warnings(plaintext) == ["Plaintext passwords detected, use nkeys or bcrypt"]
    anybody = Options(authorization=Authorization(users=[User("a")]))
    assert startup_warnings(anybody) == startup_warnings(plaintext)
    mapped = replace(anybody, tls=TlsOptions(verify_and_map=True))
    assert startup_warnings(mapped) == []
    by_key = Options(authorization=Authorization(users=[User(nkey="U")]))
    assert startup_warnings(by_key) == []
    hashed = Options(authorization=Authorization(user="a", password="$2b$11$x"))
    assert startup_warnings(hashed) == []
    assert "8.00 MB" in startup_warnings(Options(max_payload=9 * 2**20))[0]


def test_secrets_do_not_show_in_representations() -> None:
    options = Options(
        authorization=Authorization("u", "s3cret", "s3cret", users=[User("a", "s3cret")])
    )
    assert "s3cret" not in repr(options)
    assert "s3cret" not in repr(diff(Options(), options))
    command = parse_command_line(["--pass", "s3cret", "--user", "u"])
    assert "s3cret" not in repr(command)


def test_reload_tells_what_may_change() -> None:
    old, new = Options(), Options(port=4223, ping_interval=5.0, server_tags=["a"])
    new.log.debug = True
    new.authorization = Authorization(token="s3cret")
    changes = {change.name: change for change in diff(old, new)}
    assert {name: change.reloadable for name, change in changes.items()} == {
        "port": False,
        "ping_interval": True,
        "server_tags": True,
        "debug": True,
        "authorization": True,
    }
    assert changes["port"].refusal == "config reload not supported for Port: old=4222, new=4223"
    assert changes["ping_interval"].notices == ["Reloaded: ping_interval = 5s"]
    assert changes["debug"].notices == ["Reloaded: debug = true"]
    assert (
        "s3cret" not in "".join(changes["authorization"].notices) + changes["authorization"].refusal
    )
    assert diff(old, Options()) == []


def test_reload_tolerates_resolved_ports_and_a_vanished_no_auth_user() -> None:
    assert diff(Options(port=40001), Options(port=-1)) == []
    users = Authorization(users=[User("a")])
    gone = diff(Options(no_auth_user="b", authorization=users), Options(authorization=users))
    assert [c.reloadable for c in gone if c.name == "no_auth_user"] == [True]
    kept = diff(Options(no_auth_user="a", authorization=users), Options(authorization=users))
    assert [c.reloadable for c in kept if c.name == "no_auth_user"] == [False]


def _paths(target: Any, prefix: str = "") -> list[str]:
    found: list[str] = []
    for item in fields(target):
        value = getattr(target, item.name)
        if is_dataclass(value) and item.name == "log":
            found += _paths(value, f"{item.name}.")
        else:
            found.append(prefix + item.name)
    return found


def test_reload_watches_every_option() -> None:
    """A new field of `Options` must not slip through a reload unnoticed."""
    derived = {"config_file", "config_digest", "warnings", "places"}
    blocks = {
        "authorization": Authorization(token="x"),
        "tls": TlsOptions(verify=True),
    }
    for path in set(_paths(Options())) - derived:
        before, changed = Options(), Options()
        target = changed.log if path.startswith("log.") else changed
        old = get_path(changed, path)
        new: Any = {bool: not old, str: f"{old}x", list: ["x"], dict: {"x": "y"}}.get(type(old))
        if new is None and isinstance(old, int | float):
            new = old + 1
        if path == "jetstream":
            new = JetStreamOptions(enabled=not old.enabled)
        elif path == "resolver":
            before.resolver.kind, new = "memory", ResolverOptions(kind="full")
        elif path == "proxies":
            new = ProxyOptions(trusted=["x"])
        elif path == "operator":
            new = OperatorOptions(trusted_keys=["x"])
        elif new is None:
            new = blocks.get(path, Path("x"))
        setattr(target, path.removeprefix("log."), new)
        assert len(diff(before, changed)) == 1, path


def test_package_names_are_what_they_say_after_a_start() -> None:
    """The package imports lazily; a submodule of the same name would get in the way."""
    import pynats_server.settings as package

    assert parse_command_line([]).options is not None
    for name in package.__all__:
        assert not isinstance(getattr(package, name), ModuleType), name


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000 + "]" * 5000,
        "a" + ".a" * 5000 + " = 1",
        "a = " + "{a=" * 3000 + "1" + "}" * 3000,
        "port = " + "9" * 10_000,
    ],
)
def test_toml_beyond_all_limits_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (error,) = _errors(tmp_path, text, "s.toml")
    assert error.startswith("s.toml:1:1: ")
