"""What `--help` and `--help_tls` print."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pynats_server.options import Options
from pynats_server.process.flag_table import SECTIONS, Flag
from pynats_server.settings.paths import get_path
from pynats_server.settings.top_level import TOP_LEVEL
from pynats_server.tls.suites import GROUPS, NAMES

COLUMN = 37  # where descriptions begin
WIDTH = 100


def usage(program: str) -> str:
    """Every flag with the description of the setting it stands for."""
    lines = [
        f"Usage: {program} [options]",
        f"       {program} store --help    about the files of a server that is not running",
        f"       {program} healthcheck [URL]   asks whether a server is healthy",
    ]
    for title, flags in SECTIONS.items():
        lines += ["", title]
        for flag in flags:
            lines += _lines(flag)
    return "\n".join(lines) + "\n"


def _lines(flag: Flag) -> Iterator[str]:
    names = flag.spelled
    shown = "    " + ("" if names[0].count("-") == 1 else "    ") + ", ".join(names)
    shown += f" <{flag.value}>" if flag.value else ""
    if len(shown) >= COLUMN:
        yield shown
        shown = ""
    for line in textwrap.wrap(description(flag), WIDTH - COLUMN):
        yield f"{shown:<{COLUMN}}{line}"
        shown = ""


def description(flag: Flag) -> str:
    setting = TOP_LEVEL.find_path(flag.path) if flag.path else None
    text = flag.help or (setting.help if setting is not None else "")
    assert text, flag
    default = get_path(Options(), flag.path) if flag.path else None
    if default not in (None, "", 0, False):
        text += f" (default {str(default).lower()})"
    return text[0].upper() + text[1:]


def tls_help(program: str) -> str:
    """How TLS is configured, and the names of ciphers and groups."""
    names = "".join(f"    {name}\n" for name in NAMES)
    groups = "".join(f"    {name}\n" for name in GROUPS)
    return (
        f"{_TLS.format(program=program)}\nAvailable cipher suites include:\n{names}"
        f"\nAvailable curve preferences include:\n{groups}{_OCSP}"
    )


_TLS = """\
TLS is configured by the --tls options, or by a block in the configuration file of {program}:

    tls {{
        cert_file:      "server-cert.pem"   certificate of the server, and those that vouch for it
        key_file:       "server-key.pem"    its private key
        ca_file:        "ca.pem"            authority for client certificates
        verify:         true                require and check client certificates
        verify_and_map: true                the same, and they say which user a client is
        timeout:        2                   seconds for the handshake
        min_version:    "1.3"               oldest version, 1.2 by default

        cipher_suites: [
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        ]
        curve_preferences: ["X25519", "CurveP256"]
    }}

All keys are in docs/reference/configuration.md.
"""
_OCSP = """
Whether the authorities of client certificates still vouch for them is asked over OCSP with

    tls {
        verify: true
        ocsp_peer: true
    }

and `ocsp: true` beside the block has the server show clients such an answer about itself.
"""
