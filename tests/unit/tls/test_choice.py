"""Which engine is chosen, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.bindings import _rust
from pynats_server.tls.engine import VARIABLE, choose
from pynats_server.tls.engine import choice as choices
from pynats_server.tls.engine.library import (
    Unusable,
    check_version,
    from_cryptography,
    from_interpreter,
)


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "_chosen", {})
    monkeypatch.delenv(VARIABLE, raising=False)


class Lacking:
    """cffi's access to a library, without a function."""

    def __init__(self, name: str) -> None:
        self._lacks = name
        self._ffi = _rust._openssl.ffi

    def cast(self, kind: str, value: Any) -> Any:
        return self._ffi.cast(kind, value)

    def addressof(self, library: Any, name: str) -> Any:
        return self._ffi.addressof(library, "no_such" if name == self._lacks else name)


def lack(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    ours = SimpleNamespace(ffi=Lacking(name), lib=_rust._openssl.lib)
    monkeypatch.setattr(_rust, "_openssl", ours)


def test_the_wheels_openssl_comes_first() -> None:
    assert choose().name.startswith("cryptography/OpenSSL ")
    assert choose() is choose()


@pytest.mark.parametrize("name", ["SSL_read", "SSL_CTX_set1_curves_list", "BIO_set_mem_eof_return"])
def test_a_missing_name_leads_to_the_next(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    lack(monkeypatch, name)
    with pytest.raises(Unusable, match=f"it has no {name}"):
        from_cryptography()
    assert choose().name.partition("/")[0] in ("interpreter", "python")


def test_python_is_always_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def unusable() -> object:
        raise Unusable("no")

    monkeypatch.setitem(choices.ENGINES, "cryptography", unusable)
    monkeypatch.setitem(choices.ENGINES, "interpreter", unusable)
    assert choose().name.startswith("python/OpenSSL ")


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "python")
    assert choose().name.startswith("python/")
    monkeypatch.setenv(VARIABLE, "else")
    with pytest.raises(RuntimeError, match="must be one of cryptography, interpreter, python"):
        choose()
    monkeypatch.setenv(VARIABLE, "cryptography")
    lack(monkeypatch, "SSL_new")
    with pytest.raises(RuntimeError, match="no TLS engine can be used"):
        choose()


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0x1010007F, "OpenSSL 1.1.0g  2 Nov 2017"),
        (0x20000000, "LibreSSL 3.8.2"),
        (0x1010107F, "OpenSSL 1.1.1 (compatible; AWS-LC 1.40.0)"),
        (0x1010107F, "BoringSSL"),
    ],
)
def test_other_libraries_are_refused(number: int, text: str) -> None:
    with pytest.raises(Unusable):
        check_version(number, text)


def test_versions_that_will_do() -> None:
    check_version(0x1010101F, "OpenSSL 1.1.1a  20 Nov 2018")
    check_version(0x30000130, "OpenSSL 3.0.19 27 Jan 2026")
    check_version(0x40000030, "OpenSSL 4.0.3 29 Sep 2026")


def test_the_two_copies_are_two() -> None:
    try:
        other = from_interpreter()
    except Unusable as fault:
        pytest.skip(str(fault))
    assert other.name != from_cryptography().name


def test_a_server_without_tls_does_not_load_it() -> None:
    code = (
        "import sys, pynats_server.__main__, pynats_server.server.server\n"
        "assert not any(n.startswith('pynats_server.tls.engine') for n in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
