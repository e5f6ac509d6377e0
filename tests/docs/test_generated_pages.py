"""Pages of the reference are what the code says now, and leave nothing out."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pynats_server
import pytest
from pynats_server import HttpAuth, Server
from pynats_server.monitor.metrics import slow
from pynats_server.process import flag_table, signals
from pynats_server.settings.top_level import TOP_LEVEL

from tests.docs.pages import (
    cli,
    compatibility,
    environment,
    errors,
    flags,
    http,
    metrics,
    python,
    subjects,
)
from tests.docs.pages.every import DOCS, FOLDERS, PAGES
from tests.docs.pages.running import TOKEN, Client, busy, get, served
from tests.support.exposition import families_of

STALE = "run `make docs`"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_not_stale(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == PAGES[name](), STALE


def test_no_page_about_commands_is_stale() -> None:
    there = {page.name: page.read_text("utf-8") for page in (DOCS / FOLDERS[0]).glob("*.md")}
    assert there == cli.pages(), STALE


@pytest.mark.parametrize("name", [*PAGES, *(f"{FOLDERS[0]}/{name}" for name in cli.pages())])
def test_a_link_of_a_page_leads_somewhere(name: str) -> None:
    page = DOCS / name
    for target in re.findall(r"\]\(([^)#:]*\.md)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).resolve().is_file(), target


def test_every_metric_of_a_running_server_is_on_the_page() -> None:
    async def scenario(server: Server) -> str:
        clients = await busy(server)
        other = await Client.of(server, "nobody", "stranger")  # is refused
        _, text = await get(server, "/metrics")
        for client in (*clients, other):
            client.close()
        return text

    text = served(scenario)
    page = metrics.page()
    for family in families_of(text):
        total = "_total" if family.type == "counter" else ""
        assert f"| `{family.name}{total}` | {family.type} |" in page
    assert len(families_of(text)) > 80


def test_every_metric_of_the_page_has_its_labels() -> None:
    key = ("A", "u", "n", "s")

    async def scenario(server: Server) -> list[str]:
        found = slow.families(server.state, slow.Receivers(slowest=[(1, 1, key)]))
        return [labels for family in found for labels, _ in family.series if labels]

    (labels,) = served(scenario)
    assert tuple(re.findall(r"(\w+)=", labels)) == metrics.SLOW_LABELS
    for family in metrics.families():
        if not family.series and not metrics._labels(family):
            names = ("connections_closed", "slow_consumer_cut_timestamp_seconds")
            assert not family.name.endswith(names), family.name


def test_every_endpoint_is_on_the_page() -> None:
    paths = http.served_paths()
    assert len(paths) >= 17
    assert paths == http.ENDPOINTS.keys()


def test_sort_options_are_those_of_the_page() -> None:
    from pynats_server.monitor.connz import _ORDERS

    told = http.MEANINGS["connz"]["sort"]
    assert set(re.findall(r"[a-z_]+", told)) >= _ORDERS.keys()


def test_every_variable_that_is_read_is_on_the_page() -> None:
    assert environment.variables_read() == {name for name, *_ in environment._variables()}


def test_every_public_name_is_on_the_page() -> None:
    told = [name for _, _, names in python.SECTIONS for name in names]
    assert sorted(told) == sorted(set(pynats_server.__all__) - {"__version__"})


@pytest.mark.parametrize("name", [n for _, _, names in python.SECTIONS for n in names])
def test_a_public_class_says_what_everything_in_it_is(name: str) -> None:
    kind = getattr(pynats_server, name)
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{name}("), "the signature of a dataclass says nothing"
    if dataclasses.is_dataclass(kind):
        silent = [
            one.name
            for one in dataclasses.fields(kind)
            if one.name not in python.INTERNAL and not python.meaning(kind, one)
        ]
        assert silent == []
    for member, found in vars(kind).items():
        if not member.startswith("_") and (callable(found) or isinstance(found, property)):
            assert found.__doc__, member


def test_every_signal_is_on_the_page() -> None:
    assert flags.SIGNALS.keys() == signals.COMMANDS.keys()
    page = flags.page()
    for flag in flag_table.FLAGS:
        for spelled in flag.spelled:
            assert f"`{spelled}`" in page


def test_every_advisory_is_on_the_page() -> None:
    folder = Path(pynats_server.__file__).parent / "jetstream"
    sources = {
        "advisories.py": r'f?"((?:STREAM|CONSUMER|API)(?:\.[A-Z_]{4,})*)[."]',
        "api/snapshot.py": r'f"((?:STREAM)\.[A-Z_]+)\.\{',
        "consumer/events.py": r'_tell\(\s*"([A-Z_]+)"',
    }
    published: set[str] = set()
    for name, pattern in sources.items():
        for found in re.findall(pattern, (folder / name).read_text("utf-8")):
            is_whole = "." in found or found in ("API", "STREAM", "CONSUMER")
            published.add(found if is_whole else f"CONSUMER.{found}")
    published -= {"STREAM", "CONSUMER"}  # their rest is filled in: `actions`
    actions = {f"STREAM.{word}" for word in ("CREATED", "UPDATED", "DELETED")}
    actions |= {f"CONSUMER.{word}" for word in ("CREATED", "DELETED")}
    told = {re.sub(r"\.\{.*", "", name) for name in subjects.ADVISORIES}
    assert told == published | actions


def test_events_are_those_of_the_page() -> None:
    text = (Path(pynats_server.__file__).parent / "system/events/events.py").read_text("utf-8")
    published = re.findall(r'[bf]"(\$SYS\.[^"]+)"', text)
    told = {re.sub(r"\{\w+\}", "{}", subject) for subject, _ in subjects.EVENTS}
    assert told == {
        subject
        for found in published
        for subject in (
            [re.sub(r"\{[^}]*\}", "{}", found).replace("{}.{}", "{}.LAMEDUCK")]
            + (
                [re.sub(r"\{[^}]*\}", "{}", found).replace("{}.{}", "{}.SHUTDOWN")]
                * ("{last}" in found)
            )
        )
    }


def test_codes_of_the_page_are_those_of_the_table() -> None:
    from pynats_common.api_errors import ERRORS

    page = errors.page()
    for number, (status, _) in ERRORS.items():
        assert f"| {number} | {status} |" in page


def test_a_server_for_pages_is_closed_to_strangers() -> None:
    """The examples are asked for with a token: what needs one is shown, too."""

    async def scenario(server: Server) -> HttpAuth | None:
        return server.options.http_auth

    auth = served(scenario)
    assert auth is not None
    assert auth.token == TOKEN


def test_every_difference_on_purpose_is_on_the_page() -> None:
    reasons = compatibility.recorded()
    assert all(len(each) >= 4 for each in reasons.values())
    page = compatibility.page()
    for each in reasons.values():
        for why, count in each.items():
            assert f"{compatibility._told(why)} | {count} |" in page
    for setting in (*TOP_LEVEL.settings, *flag_table.FLAGS):
        later = setting.later if isinstance(setting, flag_table.Flag) else setting.read is None
        name = setting.spelled[0] if isinstance(setting, flag_table.Flag) else setting.name
        assert not later or f"`{name}`" in page
