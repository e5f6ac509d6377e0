"""Monitoring shows nothing of the command line, the environment, or secrets of the
configuration (CVE-2026-33247)."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.process import PYNATS, ServerProcess
from tests.support.raw import RawClient

PATHS = (
    "/", "/varz", "/connz?auth=1&subs=detail&state=all", "/subsz?subs=1", "/healthz", "/accountz",
    "/accountz?acc=A", "/accstatz?unused=1", "/routez", "/gatewayz", "/leafz", "/jsz", "/metrics",
    "/ipqueuesz", "/raftz", "/stacksz", "/debug/vars", "/debug/pprof/cmdline", "/expvarz",
)  # fmt: skip
SECRETS = ("s3cret-of-a-flag", "s3cret-of-the-file", "s3cret-of-the-environment", "s3cret-said")
CONFIG = """
http: "127.0.0.1:-1"
accounts { A { users: [{ user: a, password: s3cret-of-the-file }] } }
"""


def test_no_page_shows_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_OF_SOMETHING", "s3cret-of-the-environment")
    flags = ["--auth", "s3cret-of-a-flag"]
    with ServerProcess(PYNATS, tmp_path, CONFIG, flags) as server:
        with RawClient(server.port) as client:
            client.read_info()
            client.send(b'CONNECT {"user":"a","pass":"s3cret-of-the-file","sig":"s3cret-said"}\r\n')
            client.fence()
            assert not client.closed
            with RawClient(server.port) as stranger:
                stranger.read_info()
                stranger.send(b'CONNECT {"auth_token":"s3cret-said","user":"a"}\r\n')
                assert stranger.read_to_end()
            for path in PATHS:
                try:
                    with urllib.request.urlopen(server.monitor_url + path) as reply:
                        text = reply.read().decode()
                except urllib.error.HTTPError as error:
                    text = error.read().decode()
                for secret in SECRETS:
                    assert secret not in text, (path, secret)
        assert not any(secret in server.log() for secret in SECRETS)
