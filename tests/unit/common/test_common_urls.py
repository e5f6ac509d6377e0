"""Server addresses and what may be shown of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.network import urls


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("localhost", "nats://localhost:4222"),
        ("localhost:4333", "nats://localhost:4333"),
        ("nats://h", "nats://h:4222"),
        ("tls://h:1", "tls://h:1"),
        ("[::1]:4222", "nats://[::1]:4222"),
        ("wss://h", "wss://h:443"),
        ("nats://u:p@h", "nats://h:4222"),
    ],
)
def test_addresses_get_default_scheme_and_port(text: str, bare: str) -> None:
    assert urls.parse_server_url(text).bare == bare


def test_credentials_are_decoded_and_encoded_again() -> None:
    url = urls.parse_server_url("nats://a%40b:s%2Fe:c@h:1")
    assert (url.user, url.password) == ("a@b", "s/e:c")
    assert urls.parse_server_url(url.full) == url


@pytest.mark.parametrize(
    "text", ["", "http://h", "nats://", "h:99999", "h:x", "nats://u:secret@:1"]
)
def test_bad_addresses_are_refused_without_showing_secrets(text: str) -> None:
    with pytest.raises(ValueError, match="server url") as caught:
        urls.parse_server_urls(text)
    assert "secret" not in str(caught.value)


def test_a_list_is_split_at_commas() -> None:
    assert [url.address for url in urls.parse_server_urls("a, b:1,")] == ["a:4222", "b:1"]


@given(st.text("abc/:@", min_size=1))
def test_a_redacted_text_never_shows_user_info(secret: str) -> None:
    marked = f"nats://KEY{secret}@h:1"
    assert "KEY" not in urls.redact_url(marked)


def test_representations_hide_credentials() -> None:
    url = urls.parse_server_url("nats://me:secret@h")
    assert "secret" not in repr(url)
    assert "me" not in f"{url}"
