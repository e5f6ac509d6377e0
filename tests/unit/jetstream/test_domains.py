"""What the API is called in a domain, as the real server's account information shows it."""

from __future__ import annotations

from pynats_server.jetstream.domains import domain_mappings


def test_without_a_domain_nothing_is_called_otherwise() -> None:
    assert domain_mappings("") == {}


def test_accounts_have_the_api_and_what_stores_publish_to() -> None:
    assert domain_mappings("hub") == {
        "$JS.hub.API.$KV.>": "$KV.>",
        "$JS.hub.API.$OBJ.>": "$OBJ.>",
        "$JS.hub.API.ACCOUNT.>": "$JS.API.ACCOUNT.>",
        "$JS.hub.API.CONSUMER.>": "$JS.API.CONSUMER.>",
        "$JS.hub.API.DIRECT.>": "$JS.API.DIRECT.>",
        "$JS.hub.API.INFO": "$JS.API.INFO",
        "$JS.hub.API.META.>": "$JS.API.META.>",
        "$JS.hub.API.SERVER.>": "$JS.API.SERVER.>",
        "$JS.hub.API.STREAM.>": "$JS.API.STREAM.>",
    }


def test_the_system_account_has_the_whole_api() -> None:
    assert domain_mappings("hub", is_system=True) == {"$JS.hub.API.>": "$JS.API.>"}
