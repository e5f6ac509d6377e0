"""Configurations with TLS, good and bad: what `-t` of the real server says of each is recorded."""

from __future__ import annotations

LINE = "\n"  # in the first one, the real server counts columns from 0
CERT = 'cert_file: "server.pem", key_file: "server-key.pem"'
MUTUAL = f'{CERT}, ca_file: "ca.pem", verify: true'
PIN = "ab" * 32

WRONG_VALUES = ("true", "5", '"x"', "[a]", "{}", '""')
KEYS = (
    "cert_file",
    "key_file",
    "ca_file",
    "certs",
    "certificates",
    "verify",
    "verify_and_map",
    "verify_cert_and_check_known_urls",
    "insecure",
    "cipher_suites",
    "allow_insecure_cipher_suites",
    "curve_preferences",
    "min_version",
    "timeout",
    "connection_rate_limit",
    "pinned_certs",
    "handshake_first",
    "first",
    "immediate",
    "\nocsp_peer",
    "cert_store",
    "cert_match_by",
    "cert_match",
    "cert_match_skip_invalid",
    "ca_certs_match",
)


def block(text: str) -> str:
    return f"{LINE}tls {{ {text} }}\n"


def with_certificate(text: str) -> str:
    return block(f"{CERT}, {text}")


def pair(certificate: str, key: str = "") -> str:
    key = key or certificate.replace(".pem", "-key.pem")
    return block(f'cert_file: "{certificate}", key_file: "{key}"')


# Every key with values of every kind.
WRONG_TYPES = [
    with_certificate(f"{key}: {value}") if key not in ("cert_file", "key_file")
    else block(f"{key}: {value}")
    for key in KEYS
    for value in WRONG_VALUES
]  # fmt: skip

FILES = [
    block(""),
    block('cert_file: "server.pem"'),
    block('key_file: "server-key.pem"'),
    block('ca_file: "ca.pem"'),
    block(CERT),
    block(f'{CERT}, ca_file: "ca.pem"'),
    block(MUTUAL),
    block("verify: true"),
    block('verify: true, ca_file: "ca.pem"'),
    block("verify_and_map: true"),
    block(f"{CERT}, verify: false, verify_and_map: true"),
    block(f"{CERT}, verify_and_map: true, verify: false"),
    block(f"{MUTUAL}, verify_and_map: true"),
    '\ntls { cert_file: "server.pem"\n key_file: "second-key.pem"\n}\n',
    '\n\ntls {\n  cert_file: "missing.pem"\n  key_file: "server-key.pem"\n}\n',
    '\n\ntls {\n  cert_file: "server.pem"\n  key_file: "missing.pem"\n}\n',
    '\n\ntls {\n  cert_file: "server.pem"\n  key_file: "server-key.pem"\n ca_file: missing\n}\n',
    '\n\n  tls: {\n  cert_file: "server.pem"\n  key_file: "server-key.pem"\n}\n',
    "\ntls: true\n",
    "\ntls: []\n",
    "\ntls: 5\n",
    '\ntls: "x"\n',
    "\nTLS { CERT_FILE: server.pem, Key_File: server-key.pem }\n",
    "\ntls{cert_file: server.pem}\n",
    "\ntls={cert_file: server.pem, key_file: server-key.pem}\n",
    "\ntls { bogus: 1 }\n",
    with_certificate("bogus: 1"),
    with_certificate("timeout: 1, timeout: 2"),
    f"\ntls {{ {CERT} }}\ntls {{ verify: true }}\n",
    *(
        pair(name)
        for name in (
            "rsa.pem",
            "ed25519.pem",
            "p521.pem",
            "p224.pem",
            "chained.pem",
            "expired.pem",
            "future.pem",
            "client-only.pem",
        )
    ),
    *(
        pair("server.pem", key)
        for key in (
            "sec1-key.pem",
            "sec1-parameters-key.pem",
            "both.pem",
            "both-key-first.pem",
            "encrypted-key.pem",
            "encrypted-sec1-key.pem",
            "public-key.pem",
            "second-key.pem",
            "rsa-key.pem",
            "ed25519-key.pem",
            "server.pem",
            "empty.pem",
            "words.pem",
            "cut-key.pem",
            "damaged-key.pem",
            "server.der",
            "unreadable",
        )
    ),
    pair("rsa.pem", "pkcs1-key.pem"),
    pair("rsa.pem", "server-key.pem"),
    pair("ed25519.pem", "server-key.pem"),
    *(
        pair(certificate, "server-key.pem")
        for certificate in (
            "both.pem",
            "both-key-first.pem",
            "text.pem",
            "crlf.pem",
            "ca-first.pem",
            "server-key.pem",
            "server.der",
            "empty.pem",
            "words.pem",
            "cut.pem",
            "damaged.pem",
            "damaged-second.pem",
            "trusted.pem",
            "crl.pem",
            "unreadable",
            "missing.pem",
            "~/missing.pem",
        )
    ),
    *(
        block(f'{CERT}, verify: true, ca_file: "{name}"')
        for name in (
            "cas.pem",
            "server.pem",
            "other-ca.pem",
            "server-key.pem",
            "both.pem",
            "words.pem",
            "empty.pem",
            "damaged.pem",
            "ca-damaged-second.pem",
            "damaged-second.pem",
            "server.der",
            "crl.pem",
            "unreadable",
            "missing.pem",
        )
    ),
]

LISTS = [
    block('certs: [{cert_file: "server.pem", key_file: "server-key.pem"}]'),
    block('certificates: [{cert_file: "server.pem", key_file: "server-key.pem"}]'),
    block(
        'certs: [{cert_file: "server.pem", key_file: "server-key.pem"}'
        ', {cert_file: "rsa.pem", key_file: "rsa-key.pem"}]'
    ),
    block("certs: []"),
    block("certs: [{}]"),
    block('certs: [{cert_file: "server.pem"}]'),
    block('certs: [{key_file: "server-key.pem"}]'),
    block('certs: [{cert_file: "", key_file: "server-key.pem"}]'),
    block('certs: [{cert_file: "server.pem", key_file: ""}]'),
    block('certs: [{cert_file: "server.pem", key_file: "second-key.pem"}]'),
    block('certs: [{cert_file: "server.pem", key_file: "missing.pem"}]'),
    block('certs: [{cert_file: "missing.pem", key_file: "server-key.pem"}]'),
    block('certs: [{cert_file: 5, key_file: "server-key.pem"}]'),
    block('certs: [{cert_file: "server.pem", key_file: 5}]'),
    block('certs: [{cert_file: "server.pem", key_file: "server-key.pem", bogus: 1}]'),
    block('certs: ["server.pem"]'),
    block('certs: {cert_file: "server.pem", key_file: "server-key.pem"}'),
    block(f'{CERT}, certs: [{{cert_file: "server.pem", key_file: "server-key.pem"}}]'),
    block('key_file: "x", certs: [{cert_file: "server.pem", key_file: "server-key.pem"}]'),
    block('cert_file: "x", certs: [{cert_file: "server.pem", key_file: "server-key.pem"}]'),
    *(
        with_certificate(f"cipher_suites: {suites}")
        for suites in (
            "[TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]",
            "[TLS_AES_128_GCM_SHA256]",
            "[tls_aes_128_gcm_sha256]",
            "[TLS_NO_SUCH]",
            "[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_NO_SUCH, TLS_NEITHER]",
            "[TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256]",
            "[TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305]",
            "[TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305]",
            "[TLS_RSA_WITH_AES_128_CBC_SHA]",
            "[TLS_RSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_RC4_128_SHA]",
            "[TLS_RSA_WITH_RC4_128_SHA, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]",
            "[TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]",
            "[TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA]",
            "[TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256]",
            "[TLS_RSA_WITH_AES_128_GCM_SHA256]",
            "[TLS_RSA_WITH_3DES_EDE_CBC_SHA]",
            "[TLS_RSA_WITH_RC4_128_SHA], allow_insecure_cipher_suites: true",
            "[TLS_RSA_WITH_RC4_128_SHA], allow_insecure_cipher_suites: false",
            "[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]",
            "[TLS_FALLBACK_SCSV]",
            '[""]',
        )
    ),
    block(
        f"allow_insecure_cipher_suites: true, cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA], {CERT}"
    ),
    "\ntls {\n  cert_file: server.pem\n  key_file: server-key.pem\n  cipher_suites: [\n"
    '    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"\n    "TLS_RSA_WITH_RC4_128_SHA"\n  ]\n}\n',
    *(
        with_certificate(f"curve_preferences: {curves}")
        for curves in (
            "[X25519]",
            "[CurveP256, CurveP384, CurveP521]",
            "[curvep256]",
            "[P256]",
            "[X25519MLKEM768]",
            "[SecP256r1MLKEM768, SecP384r1MLKEM1024]",
            "[X25519, bogus]",
            "[CurveP256, CurveP256]",
        )
    ),
    *(
        with_certificate(f"min_version: {version}")
        for version in (
            '"1.2"',
            '"1.3"',
            '"1.1"',
            '"1.0"',
            '"1.4"',
            '"TLS1.2"',
            '"tls1.3"',
            '"1"',
            "1.2",
            "1.3",
            "TLS12",
            '" 1.2"',
        )
    ),
    *(
        with_certificate(f"pinned_certs: {pins}")
        for pins in (
            f"[{PIN}]",
            f'["{PIN}", "{"CD" * 32}"]',
            f'"{PIN}"',
            f'["{PIN[2:]}"]',
            f'["{PIN}00"]',
            f'["{":".join([PIN[:2]] * 32)}"]',
            f'["{"zz" * 32}"]',
            f'["{PIN}", "short"]',
        )
    ),
    block(f"{MUTUAL}, pinned_certs: [{PIN}]"),
]

TIMES = [
    *(
        with_certificate(f"timeout: {value}")
        for value in (
            "0",
            "-1",
            "0.5",
            '"500ms"',
            '"1500ms"',
            '"5"',
            '"1m"',
            '"2m"',
            "2m",
            "61",
            "60",
            "300",
            '"5x"',
            '"-2s"',
            "1e3",
        )
    ),
    *(
        with_certificate(f"{key}: {value}")
        for key, value in (
            ("handshake_first", "false"),
            ("handshake_first", "on"),
            ("handshake_first", '"on"'),
            ("handshake_first", '"true"'),
            ("handshake_first", "auto"),
            ("handshake_first", '"AUTO"'),
            ("handshake_first", '"auto_fallback"'),
            ("handshake_first", '"false"'),
            ("handshake_first", '"off"'),
            ("handshake_first", '"300ms"'),
            ("handshake_first", "300ms"),
            ("handshake_first", '"-5ms"'),
            ("handshake_first", '"0"'),
            ("handshake_first", '"0s"'),
            ("handshake_first", "50"),
            ("handshake_first", "1.5"),
            ("handshake_first", "foo"),
            ("first", "auto"),
            ("first", "50"),
            ("immediate", "auto"),
            ("immediate", "foo"),
            ("connection_rate_limit", "2"),
            ("connection_rate_limit", "-1"),
            ("connection_rate_limit", "0"),
            ("connection_rate_limit", '"2"'),
            ("connection_rate_limit", "1.5"),
            ("connection_rate_limit", "1k"),
        )
    ),
]

OCSP = [
    *(
        block(f"{MUTUAL}, ocsp_peer: {value}")
        for value in (
            "true",
            "false",
            "{}",
            "{verify: true}",
            "{verify: false}",
            "{verify: 5}",
            "{bogus: 1}",
            "{verify: true, ca_timeout: 5}",
            "{verify: true, ca_timeout: 1.5}",
            '{verify: true, ca_timeout: "5s"}',
            '{verify: true, ca_timeout: "5"}',
            "{verify: true, ca_timeout: -1}",
            "{verify: true, ca_timeout: 0}",
            "{verify: true, ca_timeout: true}",
            "{verify: true, allowed_clockskew: 30}",
            '{verify: true, allowed_clockskew: "x"}',
            "{verify: true, allowed_clockskew: -1}",
            "{verify: true, allowed_clockskew: []}",
            "{verify: true, warn_only: true}",
            "{verify: true, warn_only: 5}",
            "{verify: true, unknown_is_good: true}",
            '{verify: true, unknown_is_good: "x"}',
            "{verify: true, allow_when_ca_unreachable: true}",
            "{verify: true, allow_when_ca_unreachable: 5}",
            "{verify: true, cache_ttl_when_next_update_unset: 60}",
            '{verify: true, cache_ttl_when_next_update_unset: "1m"}',
            '{verify: true, cache_ttl_when_next_update_unset: "x"}',
            "{verify: true, cache_ttl_when_next_update_unset: -1}",
            "{verify: true, cache_ttl_when_next_update_unset: {}}",
            "[]",
            '"x"',
        )
    ),
    "\nocsp_cache: true\n",
    "\nocsp_cache: false\n",
    "\nocsp_cache: 5\n",
    "\nocsp_cache {}\n",
    "\nocsp_cache { type: none }\n",
    "\nocsp_cache { type: local }\n",
    "\nocsp_cache { type: LOCAL }\n",
    "\nocsp_cache { type: bogus }\n",
    "\nocsp_cache { type: 5 }\n",
    '\nocsp_cache { type: local, local_store: "cache" }\n',
    '\nocsp_cache { type: local, local_store: "" }\n',
    "\nocsp_cache { local_store: 5 }\n",
    "\nocsp_cache { preserve_revoked: true }\n",
    "\nocsp_cache { preserve_revoked: 5 }\n",
    "\nocsp_cache { save_interval: 60 }\n",
    "\nocsp_cache { save_interval: 0.5 }\n",
    '\nocsp_cache { save_interval: "1m" }\n',
    '\nocsp_cache { save_interval: "x" }\n',
    "\nocsp_cache { save_interval: true }\n",
    "\nocsp_cache { bogus: 1 }\n",
    "\nocsp: true\n",
    "\nocsp: false\n",
    "\nocsp: 5\n",
    '\nocsp: "auto"\n',
    "\nocsp {}\n",
    *(
        f"\nocsp {{ mode: {mode} }}\n"
        for mode in ("auto", "always", "never", "must", "AUTO", "x", "5")
    ),
    '\nocsp { mode: always, url: "http://127.0.0.1:1/" }\n',
    '\nocsp { url: "http://127.0.0.1:1/" }\n',
    "\nocsp { mode: always, url: 5 }\n",
    "\nocsp { mode: always, urls: 5 }\n",
    '\nocsp { mode: always, url: "::bad" }\n',
    "\nocsp { bogus: 1 }\n",
    "\nocsp: []\n",
]

STORE = [
    block(text)
    for text in (
        'cert_store: "WindowsCurrentUser"',
        'cert_store: "windowslocalmachine"',
        'cert_store: "bogus"',
        f'{CERT}, cert_store: "WindowsCurrentUser"',
        'cert_store: "WindowsCurrentUser", cert_match_by: "Subject", cert_match: "x"',
        'cert_match_by: "Subject"',
        'cert_match_by: "bogus"',
        'cert_match_by: "thumbprint", cert_match: "x"',
        'cert_match: "x"',
        'ca_certs_match: ["x"]',
        "cert_match_skip_invalid: true",
    )
]

ELSEWHERE = [
    "\nallow_non_tls: true\n",
    "\nallow_non_tls: 5\n",
    "\nallow_non_tls: false\n",
    "\nallow_non_tls: true\n" + block(CERT),
    "\nhttps_port: 8222\n",
    "\nhttps_port: -1\n",
    "\nhttps_port: 70000\n",
    '\nhttps_port: "x"\n',
    "\nhttps_port: 0\n",
    '\nhttps: "127.0.0.1:8222"\n',
    "\nhttps: 8222\n",
    "\nhttps: true\n",
    "\nhttps: bad:port\n",
    "\nhttps_port: 8222\n" + block(CERT),
    "\nhttps_port: 8222\nhttp_port: 8223\n" + block(CERT),
    "\nhttps_port: 8222\nhttp_port: 8222\n" + block(CERT),
    "\nhttp: 8222\nhttps: 8223\n" + block(CERT),
    block(f"{CERT}, verify_cert_and_check_known_urls: false"),
    block(f"{CERT}, insecure: false"),
    "\nresolver_tls { ca_file: ca.pem }\n",
    '\nresolver_tls { cert_file: "server.pem", key_file: "server-key.pem" }\n',
    "\nresolver_tls { insecure: true }\n",
    "\nresolver_tls { cert_file: missing.pem, key_file: server-key.pem }\n",
    "\nresolver_tls { bogus: 1 }\n",
    "\nresolver_tls: 5\n",
    "\nresolver_tls {}\n",
    "\nresolver_tls { verify: true }\n",
    "\nresolver_tls { verify_cert_and_check_known_urls: true }\n",
    "\nresolver_tls { handshake_first: true }\n",
    '\nresolver_tls { timeout: "x" }\n',
    "\nresolver_tls { ocsp_peer: true }\n",
    block(CERT) + "authorization { users = [{user: a, password: b}] }\n",
    block(f"{MUTUAL}, verify_and_map: true") + 'authorization { users = [{user: "CN=a"}] }\n',
    block(f"{CERT}, timeout: 5") + "authorization { token: $2a$11$x, timeout: 3 }\n",
]
