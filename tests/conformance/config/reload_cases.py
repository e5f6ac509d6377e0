"""Pairs of configurations for a reload: each key added, changed and taken away."""

from __future__ import annotations

from tests.support.account_jwts import SYSTEM, account_token, operator_token, pair

PLAIN = {"host": '"127.0.0.1"', "port": "-1"}
JETSTREAM = '{store_dir: "@FOLDER@/js"%s}'

TWO_VALUES = {
    "port": ("@PORT@", "@OTHER@"),
    "host": ('"127.0.0.1"', '"127.0.0.2"'),
    "client_advertise": ('"a:1"', '"b:2"'),
    "server_name": ('"n1"', '"n2"'),
    "server_tags": ('["a"]', '["a", "b"]'),
    "server_metadata": ('{a: "b"}', '{a: "c"}'),
    "http": ('"127.0.0.1:@PORT@"', '"127.0.0.1:@OTHER@"'),
    "http_port": ("@PORT@", "@OTHER@"),
    "http_base_path": ('"/a"', '"/b"'),
    "authorization": ('{user: "a", password: "b"}', "{timeout: 5}"),
    "accounts": ('{A: {users: [{user: "x", password: "y"}]}}', "{B: {}}"),
    "resolver": ("MEMORY", "{type: MEM}"),
    "max_control_line": ("1000", "2000"),
    "max_payload": ("1000", "2000"),
    "max_pending": ("2000000", "3000000"),
    "max_connections": ("10", "20"),
    "max_subscriptions": ("10", "20"),
    "max_subscription_tokens": ("10", "20"),
    "max_closed_clients": ("10", "20"),
    "ping_interval": ('"10s"', '"20s"'),
    "ping_max": ("5", "6"),
    "write_deadline": ('"5s"', '"6s"'),
    "write_timeout": ('"close"', '"retry"'),
    "no_fast_producer_stall": ("true", "false"),
    "no_header_support": ("true", "false"),
    "disable_sublist_cache": ("true", "false"),
    "lame_duck_duration": ('"40s"', '"50s"'),
    "lame_duck_grace_period": ('"5s"', '"6s"'),
    "connect_error_reports": ("5", "6"),
    "reconnect_error_reports": ("5", "6"),
    "debug": ("true", "false"),
    "trace": ("true", "false"),
    "max_traced_msg_len": ("5", "6"),
    "logtime_utc": ("true", "false"),
    "log_size_limit": ("1000000", "2000000"),
    "log_max_num": ("5", "6"),
    "pid_file": ('"@FOLDER@/p1"', '"@FOLDER@/p2"'),
    "jetstream": (JETSTREAM % "", '{store_dir: "@FOLDER@/other"}'),
    "store_dir": ('"@FOLDER@/js"', '"@FOLDER@/other"'),
}
CERT = 'cert_file: "@CERTS@/server.pem", key_file: "@CERTS@/server-key.pem"'
VERIFY = 'ca_file: "@CERTS@/ca.pem", verify: true'
# With certificates, which the test makes.
OF_TLS = {
    "tls": (f"{{{CERT}}}", f"{{{CERT}, {VERIFY}}}"),
    "allow_non_tls": ("true", "false"),
    "https_port": ("@PORT@", "@OTHER@"),
    "ocsp": ("true", "{mode: never}"),
    "ocsp_cache": ("true", "false"),
    "resolver_tls": ("{insecure: true}", f"{{{VERIFY}}}"),
}
IN_TLS = {
    "timeout": ("5", "6"),
    "verify": ("true", "false"),
    "verify_and_map": ("true", "false"),
    "ca_file": ('"@CERTS@/ca.pem"', '"@CERTS@/other-ca.pem"'),
    "cipher_suites": (
        "[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]",
        "[TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]",
    ),
    "curve_preferences": ("[X25519]", "[CurveP256]"),
    "min_version": ('"1.2"', '"1.3"'),
    "pinned_certs": (f"[{'ab' * 32}]", f"[{'cd' * 32}]"),
    "handshake_first": ("true", '"50ms"'),
    "connection_rate_limit": ("5", "6"),
    "insecure": ("true", "false"),
}
IN_JETSTREAM = {
    "sync_interval": ('"5s"', '"6s"'),
    "domain": ('"a"', '"b"'),
    "key": ('"a"', '"b"'),
    "prev_key": ('"a"', '"b"'),
    "cipher": ('"chacha"', '"aes"'),
    "extension_hint": ('"a"', '"b"'),
    "unique_tag": ('"a"', '"b"'),
    "strict": ("true", "false"),
    "enabled": ("true", "false"),
    "limits": ("{max_request_batch: 5}", "{max_request_batch: 6, batch: {max_msgs: 6}}"),
    "max_outstanding_catchup": ("1M", "2M"),
    "max_buffered_size": ("1M", "2M"),
    "max_buffered_msgs": ("5", "6"),
    "request_queue_limit": ("5", "6"),
    "info_queue_limit": ("5", "6"),
    "meta_compact": ("5", "6"),
    "meta_compact_size": ("1M", "2M"),
    "meta_compact_sync": ("true", "false"),
    "max_concurrent_io": ("50", "60"),
    "max_mem": ("1M", "2M"),
    "max_file": ("2M", "1M"),
}

Case = tuple[str, str, tuple[str, ...]]  # before, after, flags


def text(values: dict[str, str]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in (PLAIN | values).items())


def three(name: str, one: str, two: str, none: str) -> dict[str, Case]:
    """The key is added, changed, taken away."""
    return {
        f"{name} added": (none, one, ()),
        f"{name} changed": (one, two, ()),
        f"{name} removed": (two, none, ()),
    }


def resolvers() -> dict[str, Case]:
    """Changes of the resolver in operator mode."""

    def mode(resolver: str, *accounts: str, more: str = "") -> str:
        preload = {SYSTEM.public_key: account_token(SYSTEM)}
        preload |= {pair(name).public_key: account_token(name) for name in accounts}
        lines = "\n".join(f"{account}: {token}" for account, token in preload.items())
        return (
            f'host: "127.0.0.1"\nport: -1\noperator: {operator_token()}\nresolver: {resolver}\n'
            f"resolver_preload: {{\n{lines}\n}}\n{more}"
        )

    def full(more: str = "") -> str:
        return f'{{type: full, dir: "@FOLDER@/jwt"{more}}}'

    plain = mode(full())
    after = {
        "folder": mode(full().replace("jwt", "other")),
        "limit": mode(full(", limit: 5")),
        "deletions": mode(full(", allow_delete: true")),
        "interval": mode(full(", interval: 5s")),
        "timeout": mode(full(", timeout: 5s")),
        "kind": mode('{type: cache, dir: "@FOLDER@/jwt"}'),
        "memory": mode("MEMORY"),
        "preload": mode(full(), "a"),
        "TLS": mode(full(), more="resolver_tls: {insecure: true}\n"),
    }
    found: dict[str, Case] = {f"resolver: {name}": (plain, new, ()) for name, new in after.items()}
    found["resolver: preload dropped"] = (mode("MEMORY", "a"), mode("MEMORY"), ())
    found["resolver: from memory"] = (mode("MEMORY"), plain, ())
    return found


def cases() -> dict[str, Case]:
    """By name."""
    found: dict[str, Case] = resolvers()
    for key, (one, two) in TWO_VALUES.items():
        found |= three(key, text({key: one}), text({key: two}), text({}))
    for key, (one, two) in IN_JETSTREAM.items():
        with_one, with_two, none = (
            text({"jetstream": JETSTREAM % inner})
            for inner in (f", {key}: {one}", f", {key}: {two}", "")
        )
        found |= three(f"jetstream.{key}", with_one, with_two, none)
    for key, (one, two) in OF_TLS.items():
        beside = {"tls": f"{{{CERT}}}"} if key == "https_port" else {}
        found |= three(key, text(beside | {key: one}), text(beside | {key: two}), text(beside))
    for key, (one, two) in IN_TLS.items():
        with_one, with_two, none = (
            text({"tls": f"{{{CERT}{inner}}}"})
            for inner in (f", {key}: {one}", f", {key}: {two}", "")
        )
        found |= three(f"tls.{key}", with_one, with_two, none)
    plain, debug = text({}), text({"debug": "true"})
    http, other = (text({"http": f'"{host}:@PORT@"'}) for host in ("127.0.0.1", "0.0.0.0"))
    monitored, store = ("-m", "@PORT@"), ("-sd", "@FOLDER@/js")
    block, elsewhere = (
        text({"jetstream": inner}) for inner in ("{}", '{store_dir: "@FOLDER@/other"}')
    )
    return found | {
        "-m, http added": (plain, http, monitored),
        "-m, http removed": (http, plain, monitored),
        "-m, http elsewhere": (http, other, monitored),
        "http elsewhere": (http, other, ()),
        "http for http_port": (text({"http_port": "@PORT@"}), http, ()),
        "-sd, the same store_dir": (block, text({"jetstream": JETSTREAM % ""}), store),
        "-sd, another store_dir": (block, elsewhere, store),
        "-js, jetstream: false": (plain, text({"jetstream": "false"}), ("-js", *store)),
        "jetstream.key changed, the old one as prev_key": (
            text({"jetstream": JETSTREAM % ', key: "a"'}),
            text({"jetstream": JETSTREAM % ', key: "b", prev_key: "a"'}),
            (),
        ),
        "-js, debug": (plain, debug, ("-js", *store)),
        "-D, debug: false": (plain, text({"debug": "false"}), ("-D",)),
        "--user, authorization": (plain, text({"authorization": "{user: b, password: c}"}),
                                  ("--user", "a", "--pass", "b")),
        "store_dir while JetStream is off, and on": (
            text({"jetstream": "false", "store_dir": '"@FOLDER@/a"'}),
            text({"jetstream": "true", "store_dir": '"@FOLDER@/b"'}),
            (),
        ),
    }  # fmt: skip
