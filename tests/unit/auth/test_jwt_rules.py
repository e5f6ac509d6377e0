"""Times, networks and templates of user JWTs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.auth.jwt import rules
from pynats_server.auth.jwt.rules import RuleError
from pynats_server.auth.jwt.templates import SUBJECTS_MAX, Names, fill
from pynats_server.auth.jwt.tokens import Body, Permission, Window

DAY_S = 86400
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp()


def clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@given(st.integers(0, DAY_S - 1), st.integers(0, DAY_S - 1), st.integers(0, DAY_S - 1))
def test_a_window_is_open_from_its_start_to_its_end(start: int, end: int, at: int) -> None:
    """Minute by minute it would be the same: counted from its start, both are within a day."""
    now = NOON - 12 * 3600 + at + 0.5  # half a second after a second begins
    length, gone = (end - start) % DAY_S, (at - start) % DAY_S
    if start != end and gone < length:
        left = rules.window_end([Window(clock(start), clock(end))], "UTC", now) - now
        assert left == pytest.approx(length - gone - 0.5, abs=0.01)
    else:
        with pytest.raises(RuleError):
            rules.window_end([Window(clock(start), clock(end))], "UTC", now)


def test_of_several_windows_the_last_end_counts() -> None:
    windows = [Window("11:00:00", "12:30:00"), Window("10:00:00", "13:00:00"),
               Window("14:00:00", "20:00:00")]  # fmt: skip
    assert rules.window_end(windows, "UTC", NOON) == NOON + 3600


def test_windows_are_of_their_place() -> None:
    window = [Window("07:59:00", "08:01:00")]  # New York is four hours behind in summer
    assert rules.window_end(window, "America/New_York", NOON) == NOON + 60
    with pytest.raises(RuleError):
        rules.window_end(window, "UTC", NOON)
    with pytest.raises(RuleError):
        rules.window_end(window, "Europe/Berlin", NOON + timedelta(hours=4).total_seconds())


@pytest.mark.parametrize(
    "place", ["Mars/Base", "../UTC", "/etc/passwd", "America", "\0", "x" * 999]
)
def test_places_that_nobody_knows_are_refused(place: str) -> None:
    with pytest.raises(RuleError):
        rules.window_end([Window("00:00:00", "23:59:59")], place, NOON)


@pytest.mark.parametrize("text", ["9:00", "", "24:00:00", "12:60:00", "noon", "1:2:3", "12:00:00x"])
def test_times_that_are_none_are_refused(text: str) -> None:
    for window in (Window(text, "23:59:59"), Window("00:00:00", text)):
        with pytest.raises(RuleError):
            rules.window_end([window], "UTC", NOON)


@pytest.mark.parametrize(
    ("source", "good"),
    [
        (["127.0.0.0/8"], True),
        ("10.0.0.0/8, 127.0.0.0/8,", True),
        (["10.0.0.0/8"], False),
        (["127.0.0.0/8", "127.0.0.1"], False),
        (["127.0.0.0/255.0.0.0"], False),
        ([" 127.0.0.0/8"], False),
        (["::ffff:127.0.0.0/104"], True),
        (["::1/128"], False),
        (["::/0"], False),
        ([""], False),
        (["fe80::%eth0/64"], False),
        (["127.0.0.0/33"], False),
        ([], True),
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_networks(source: list[str] | str, good: bool, host: str) -> None:
    if good:
        rules.check_source(source, host)
    else:
        with pytest.raises(RuleError):
            rules.check_source(source, host)


def test_an_unknown_address_is_in_no_network() -> None:
    with pytest.raises(RuleError):
        rules.check_source(["0.0.0.0/0"], "")


@pytest.mark.parametrize(
    ("allowed", "good"),
    [([], True), (["standard"], True), (["FOO"], False), (["FOO", "STANDARD"], True),
     (["FOO", "WEBSOCKET"], False), ([""], False)],
)  # fmt: skip
def test_kinds_of_connections(allowed: list[str], good: bool) -> None:
    if good:
        rules.check_kind(allowed, "STANDARD")
    else:
        with pytest.raises(RuleError):
            rules.check_kind(allowed, "STANDARD")


# -- templates -------------------------------------------------------------------------------------


def names(**more: object) -> Names:
    told = {"name": "bob", "subject": "U", "tags": [], "account_name": "A", "account_subject": "AA",
            "account_tags": []}  # fmt: skip
    return Names(**(told | more))  # type: ignore[arg-type]


def allowed(*templates: str, **more: object) -> list[str]:
    filled = fill(Body(Permission(list(templates))), names(**more))
    assert bool(filled.pub.allow) == (filled.pub.deny != [">"])
    return filled.pub.allow


def test_all_that_is_filled_in() -> None:
    assert allowed(
        "{{name()}}.{{ Subject() }}", "pre-{{account-name()}}-{{ACCOUNT-SUBJECT()}}", "plain"
    ) == ["bob.U", "pre-A-AA", "plain"]
    assert allowed("{{tag(x)}}.{{account-tag(y)}}", tags=["x:1", "z:3", "x:2"],
                   account_tags=["y:a", "y:b"]) == ["1.a", "1.b", "2.a", "2.b"]  # fmt: skip


def test_a_tag_that_is_missing_leaves_the_entry_out() -> None:
    assert allowed("{{tag(x)}}.a", "b") == ["b"]
    assert allowed("{{tag(x)}}.a") == []
    with pytest.raises(RuleError):
        fill(Body(Permission([], ["{{tag(x)}}"])), names())


@pytest.mark.parametrize("template", ["{{nothing()}}", "{{}}", "{{name}}", "{{tag}}", "{{tag(x}}"])
def test_unknown_operations_refuse_the_user(template: str) -> None:
    with pytest.raises(RuleError):
        allowed(template)


@given(st.text(max_size=12))
def test_no_value_makes_a_wildcard(value: str) -> None:
    """Who may choose a name must not choose what to hear."""
    for made in allowed("in.{{name()}}.x", "{{tag(t)}}", name=value, tags=[f"t:{value}"]):
        assert "*" not in made.split(".")
        assert ">" not in made.split(".")
        assert rules.is_subject(made)


@pytest.mark.parametrize(("first", "second", "good"), [(64, 64, True), (64, 65, False)])
def test_products_are_bounded(first: int, second: int, good: bool) -> None:
    tags = [f"x:{number}" for number in range(first)] + [f"y:{number}" for number in range(second)]
    if good:
        assert len(allowed("{{tag(x)}}.{{tag(y)}}", tags=tags)) == SUBJECTS_MAX
    else:
        with pytest.raises(RuleError):
            allowed("{{tag(x)}}.{{tag(y)}}", tags=tags)


def test_a_huge_product_is_refused_without_being_made() -> None:
    tags = [f"x:{number}" for number in range(500)]
    with pytest.raises(RuleError):
        allowed(".".join(["{{tag(x)}}"] * 40), tags=tags)
