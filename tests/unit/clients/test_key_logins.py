"""Signatures of nonces, and users with keys."""

from __future__ import annotations

import base64
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.auth import ConnectOptions, Hello, PeerTls, Refusal, Verdict
from pynats_server.auth.chain import Chain
from pynats_server.auth.signatures import decode, decode_plain, is_signed, new_nonce
from pynats_server.core.reasons import CloseReason
from pynats_server.options import (
    AccountOptions,
    Authorization,
    Options,
    ProxyOptions,
    TlsOptions,
    User,
)

from tests.support.signing import key_of, public_key

ANN, GATE = public_key("ann"), public_key("gate")


def url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def signed(name: str, nonce: str) -> str:
    return url(key_of(name).sign(nonce.encode())).rstrip("=")


def test_a_nonce_has_15_characters_and_is_new_each_time() -> None:
    nonces = {new_nonce() for _ in range(100)}
    assert len(nonces) == 100 and {len(nonce) for nonce in nonces} == {15}


@given(st.binary(min_size=64, max_size=64))
def test_both_forms_of_base64_are_read_and_no_mixture(data: bytes) -> None:
    standard = base64.b64encode(data).decode()
    assert decode(url(data).rstrip("=")) == decode(standard) == data
    assert decode_plain(url(data).rstrip("=")) == data
    assert decode_plain(standard) is None
    odd = bool(set("-_") & set(url(data)))
    assert (decode(url(data)) is None) == odd
    assert (decode(standard.rstrip("=")) is None) == odd


@given(st.text(max_size=100))
def test_any_text_is_read_or_is_not(text: str) -> None:
    assert isinstance(decode(text), bytes | None)
    assert isinstance(decode_plain(text), bytes | None)


def test_nobody_signs_nothing() -> None:
    """A signature of the empty text would be good on every connection without a nonce."""
    assert not is_signed("", key_of("ann").sign(b""), ANN)


def test_a_signature_is_verified_in_less_than_a_millisecond() -> None:
    nonce = new_nonce()
    signature = key_of("ann").sign(nonce.encode())
    assert min(timeit.repeat(lambda: is_signed(nonce, signature, ANN), number=10)) < 0.01


def chain(*users: User, **options: object) -> Chain:
    made = Options(authorization=Authorization(users=list(users)), **options)  # type: ignore[arg-type]
    return Chain(made, "guest-1")


def answer(chain: Chain, hello: Hello) -> Verdict | Refusal:
    found = chain.verify(hello)
    assert isinstance(found, Verdict | Refusal)
    return found


def hello_of(name: str, nonce: str = "", **said: object) -> Hello:
    nonce = nonce or new_nonce()
    says = ConnectOptions(nkey=public_key(name), sig=signed(name, nonce), **said)  # type: ignore[arg-type]
    return Hello(says, nonce=nonce)


def test_who_was_let_in_by_key_is_not_verified_again() -> None:
    before = chain(User(nkey=ANN))
    hello = hello_of("ann")
    verdict = answer(before, hello)
    assert isinstance(verdict, Verdict)
    assert (verdict.user, verdict.method, verdict.issuer_key) == (ANN, "nkey", "$G")
    hello.said.sig = ""  # as if it could not be verified any more
    assert isinstance(before.recheck(hello, verdict), Verdict)
    assert isinstance(chain(User(nkey=public_key("bob"))).recheck(hello, verdict), Refusal)
    assert isinstance(before.verify(hello), Refusal)


def test_a_reload_that_brings_keys_lets_nobody_sign_without_a_nonce() -> None:
    says = ConnectOptions(nkey=ANN, sig=signed("ann", ""))
    assert isinstance(answer(chain(User(nkey=ANN)), Hello(says, nonce="")), Refusal)


def test_a_proxy_that_is_trusted_no_more_takes_its_clients_along() -> None:
    trusting = chain(User("pat", "p"), proxies=ProxyOptions([GATE]))
    nonce = new_nonce()
    says = ConnectOptions(user="pat", password="p", proxy_sig=signed("gate", nonce))
    hello = Hello(says, nonce=nonce)
    verdict = answer(trusting, hello)
    assert isinstance(verdict, Verdict) and hello.proxy == GATE
    assert isinstance(trusting.recheck(hello, verdict), Verdict)
    for trusted in ([], [public_key("door")]):
        found = chain(User("pat", "p"), proxies=ProxyOptions(trusted)).recheck(hello, verdict)
        assert isinstance(found, Refusal) and found.reason is CloseReason.PROXY_NOT_TRUSTED
    changed = chain(User("pat", "p"), proxies=ProxyOptions([public_key("door")]))
    assert changed.unchanged(trusting) == frozenset()  # so that everybody is looked at
    strict = chain(User("pat", "p", proxy_required=True), proxies=ProxyOptions([GATE]))
    assert isinstance(strict.recheck(hello, verdict), Verdict)
    without = Hello(ConnectOptions(user="pat", password="p"), nonce=nonce)
    found = strict.recheck(without, verdict)
    assert isinstance(found, Refusal) and found.reason is CloseReason.PROXY_REQUIRED


@pytest.mark.parametrize("password", ["", "p"])
def test_a_user_who_comes_by_certificate_does_not_come_by_name_elsewhere(password: str) -> None:
    """Where certificates name users, one without a password is no open door of another listener."""
    found = chain(User("CN=ann", password), tls=TlsOptions(verify_and_map=True))
    says = ConnectOptions(user="CN=ann", password=password)
    elsewhere = answer(found, Hello(says, kind="WEBSOCKET"))
    assert isinstance(elsewhere, Verdict if password else Refusal)
    for tls in (None, PeerTls("1.3", "")):
        assert isinstance(answer(found, Hello(says, tls=tls)), Refusal)
    damaged = PeerTls("1.3", "", verified=(b"not a certificate",))
    assert isinstance(answer(found, Hello(says, tls=damaged)), Refusal)


def test_users_of_accounts_and_their_keys_are_known_by_account() -> None:
    options = Options(accounts={"A": AccountOptions([User(nkey=ANN), User("b", "b")])})
    found = Chain(options, "guest-1")
    assert found.users_of(["A"]) == {ANN, "b"}
    assert found.lists(ANN) and found.lists("b") and not found.lists("c")
    verdict = answer(found, hello_of("ann"))
    assert isinstance(verdict, Verdict) and (verdict.account, verdict.issuer_key) == ("A", "A")
