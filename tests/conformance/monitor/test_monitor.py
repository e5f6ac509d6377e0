"""Monitoring compared with the real server's: the same fields in the same order, types, values that
do not depend on the moment, and the same refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.monitor.scene import CONFIG, SECRETS, Scene, ask
from tests.conformance.monitor.shape import shape
from tests.conformance.monitor.twins import Twins, text_of
from tests.support.deadline import wait_until
from tests.support.process import ServerProcess
from tests.support.raw import RawClient
from tests.support.records import Recorded


def build(server: ServerProcess, stack: ExitStack) -> None:
    scene = Scene(server)
    stack.callback(scene.close)
    scene.build()


@pytest.fixture(scope="module")
def scenes(kind_under_test: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    folder: Path = tmp_path_factory.mktemp("monitor")
    with Twins(kind_under_test, folder, CONFIG, build) as twins:
        yield twins


def without_internal(body: Any) -> Any:
    """Subscriptions of clients only: the real server has services of its own."""
    if isinstance(body, dict) and "limit" in body and "subscriptions_list" in body:
        body["subscriptions_list"] = [
            entry
            for entry in body["subscriptions_list"]
            if not entry["subject"].startswith(("$SYS.", "_R_."))
        ]
        body["total"] = len(body["subscriptions_list"])
    return body


ENDPOINTS = [
    "/varz",
    "/connz",
    "/connz?auth=1",
    "/connz?auth=true&subs=1",
    "/connz?auth=T&subs=detail",
    "/connz?subs=DETAIL&state=any&sort=cid",
    "/connz?state=closed&auth=1&subs=1",
    "/connz?state=CLOSED&sort=stop",
    "/connz?state=closed&sort=reason",
    "/connz?state=all&sort=start&offset=1&limit=2",
    "/connz?sort=subs",
    "/connz?sort=pending",
    "/connz?sort=msgs_to",
    "/connz?sort=msgs_from",
    "/connz?sort=bytes_to",
    "/connz?sort=bytes_from",
    "/connz?sort=msgs_to&state=any",
    "/connz?sort=last",
    "/connz?sort=idle",
    "/connz?sort=uptime",
    "/connz?user=alice",
    "/connz?user=alice&auth=1&state=any",
    "/connz?user=bob&state=closed",
    "/connz?user=nobody&auth=1",
    "/connz?acc=$G&auth=1",
    "/connz?acc=$SYS",
    "/connz?acc=nope",
    "/connz?acc=nope&state=any",
    "/connz?mqtt_client=x",
    "/connz?cid=0",
    "/connz?cid=18446744073709551615",
    "/connz?cid=18446744073709551615&state=any&offset=5&limit=9",
    "/connz?offset=-1&limit=-1",
    "/connz?offset=9223372036854775807&limit=9223372036854775807",
    "/connz?offset=-9223372036854775808&limit=-9223372036854775808",
    "/connz?offset=1&limit=9223372036854775807",
    "/connz?limit=%2B1",
    "/connz?limit=1&limit=2",
    "/connz?limit=%zz&offset=%5",
    "/connz?limit=x;y",
    "/connz?state=",
    "/connz?state=oPeN&sort=",
    "/connz?limit=0",
    "/connz?offset=50",
    "/connz?limit=9223372036854775807&offset=5",
    "/connz?AUTH=1&SORT=x&callback=y",
    "/connz?filter_subject=nope",
    "/connz?filter_subject=foo.bar&subs=detail",
    "/connz?user=alice&state=closed&subs=1",
    "/subsz",
    "/subsz?subs=1",
    "/subscriptionsz?acc=$G",
    "/subsz?acc=nope&subs=1",
    "/subsz?subs=1&test=foo.bar",
    "/subsz?subs=1&test=foo.bar&acc=$G&offset=1&limit=1",
    "/subsz?subs=1&acc=nope&offset=9223372036854775807&limit=9223372036854775807",
    "/subsz?test=foo.bar",
    "/subsz?subs=1&test=nobody.here",
    "/subsz?subs=1&test=a%20b",
    "/subsz?subs=1&limit=0&test=foo.bar",
    "/subsz?subs=0&test=",
    "/subsz?acc=nope",
    "/subsz?offset=3",
    "/subsz?subs=1&test=foo.bar&offset=5",
    "/accountz",
    "/accountz?acc=$G",
    "/accountz?acc=$SYS",
    "/accountz?acc=",
    "/accountz?ACC=nope",
    "/accstatz",
    "/accstatz?unused=1",
    "/accstatz?unused=0&acc=nope",
    "/routez",
    "/routez?subs=detail",
    "/gatewayz?accs=1&subs=detail",
    "/leafz?subs=1&acc=x",
    "/jsz",
    "/jsz?acc=x&streams=1&consumers=1&config=1&raft=1&stream-leader-only=1",
    "/jsz?acc=nope&accounts=1",
    "/jsz?raft=1&leader-only=0&direct-consumers=1",
    "/jsz?offset=9&limit=-1",
    "/gatewayz?gw_name=x&acc_name=y",
    "/routez?subs=1",
    "/leafz?acc=nope",
    "/ipqueuesz",
    "/ipqueuesz?all=1&queues=x",
]


# Some connections are equal here, and the real server does not say which comes first.
TIED = {
    "/connz?state=closed&sort=reason",
    "/connz?sort=pending",
    "/connz?sort=msgs_to&state=any",
    "/connz?sort=last",
    "/connz?sort=idle",
}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_same_document(scenes: Twins, recorded: Recorded, path: str) -> None:
    def look(server: ServerProcess) -> dict[str, Any]:
        reply = ask(server, path)
        assert reply.status == 200, reply.body
        body = without_internal(reply.json())
        if path in TIED:
            body["connections"].sort(key=lambda entry: (entry.get("name", ""), entry["cid"]))
        return {"type": reply.headers["content-type"], "document": shape(body)}

    scenes.compare(recorded, look)


def test_browsers_may_read_documents_from_anywhere(scenes: Twins) -> None:
    for path in ENDPOINTS:
        assert ask(scenes.ours, path).headers.get("access-control-allow-origin") == "*"


REFUSALS = [
    "/connz?sort=foo",
    "/connz?sort=CID",
    "/connz?sort=stop",
    "/connz?sort=reason&state=any",
    "/connz?state=foo",
    "/connz?state=1",
    "/connz?offset=x",
    "/connz?limit=1e308",
    "/connz?limit=1_0",
    "/connz?limit=+5",
    "/connz?limit=0x10",
    "/connz?limit=9223372036854775808",
    "/connz?offset=-9223372036854775809",
    "/connz?limit=99999999999999999999999999999999999999999999999999999999999",
    "/connz?limit=%D9%A1",
    "/connz?limit=%22%0a%00%ff",
    "/connz?cid=x",
    "/connz?cid=-1",
    "/connz?cid=%2B1",
    "/connz?cid=18446744073709551616",
    "/connz?auth=2",
    "/connz?auth=yes",
    "/connz?subs=x",
    "/connz?auth=x&sort=y&state=z",
    "/connz?sort=y&state=z&offset=q",
    "/subsz?subs=detail",
    "/subsz?offset=1e308",
    "/subsz?test=foo..bar",
    "/subsz?test=foo.*",
    "/subsz?test=%3E&subs=1",
    "/healthz?js-enabled=x",
    "/healthz?js-enabled-only=x",
    "/healthz?js-server-only=x",
    "/healthz?js-meta-only=x",
    "/healthz?details=x",
    "/accountz?acc=nope",
    "/accstatz?unused=x",
    "/routez?subs=x",
    "/gatewayz?accs=x",
    "/gatewayz?subs=x",
    "/leafz?subs=x",
    "/jsz?streams=x",
    "/jsz?direct-consumers=x",
    "/jsz?limit=x",
    "/jsz?leader-only=1",
    "/ipqueuesz?all=x",
    "/raftz",
    "/raftz?acc=x",
    "/raftz?group=x",
    "/expvarz",
    "/profilez",
    "/rootz",
    "/varz/",
    "/debug/pprof/",
    "/nope",
    "/connz/",
    "/VARZ",
    "/favicon.ico",
]
EXACT = [
    "/healthz",
    "/healthz?details=1",
    "/healthz?js-enabled-only=true&details=true",
    "/healthz?js-server-only=1",
    "/healthz?account=a",
    "/healthz?stream=s",
    "/healthz?stream=s&details=1",
    "/healthz?consumer=c",
    "/healthz?account=a&consumer=c&details=1",
    "/healthz?stream=s&consumer=c",
    "/healthz?account=a&stream=s&consumer=c",
    "/healthz?acc=NOPE&callback=x",
    "/healthz?js-enabled=1",
    "/healthz?js-enabled-only=1&account=A",
    "/healthz?js-meta-only=1&details=1",
    "/healthz?js-server-only=1&stream=s",
    "/healthz?details=1&consumer=c",
    "//varz",
    "/varz/../connz?a=b",
    "/./healthz",
]


HEADERS = ("content-type", "location", "x-content-type-options")


@pytest.mark.parametrize("path", [*REFUSALS, *EXACT])
def test_same_text(scenes: Twins, recorded: Recorded, path: str) -> None:
    scenes.compare(recorded, text_of(path, headers=HEADERS))


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "FOO"])
def test_same_answer_to_other_methods(scenes: Twins, recorded: Recorded, method: str) -> None:
    scenes.compare(recorded, text_of("/healthz", method, ("content-length",)))


def test_requests_are_counted_under_the_same_names(scenes: Twins, recorded: Recorded) -> None:
    def counted(server: ServerProcess) -> list[str]:
        for path in ("/", "/healthz?x=1", "/nope", "/stacksz", *ENDPOINTS):
            ask(server, path)
        return sorted(ask(server, "/varz").json()["http_req_stats"])

    reference = recorded.of(lambda: counted(scenes.reference))
    ours = set(counted(scenes.ours)) - {"/metrics", "/stacksz"}
    assert ours >= {"/", "/subsz", "/healthz", "/varz"}
    assert ours <= set(reference)


@pytest.mark.parametrize("account", ["nope", "$G", "$SYS"])
@pytest.mark.parametrize("state", ["open", "closed", "any"])
def test_an_unknown_account_has_no_server(
    scenes: Twins, recorded: Recorded, account: str, state: str
) -> None:
    def look(server: ServerProcess) -> dict[str, Any]:
        body = ask(server, f"/connz?acc={account}&state={state}").json()
        return {"server_id": bool(body["server_id"]), "list": body["connections"] is not None}

    scenes.compare(recorded, look)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", ["/varz", "/connz", "/jsz", "/nope", "/connz?sort=x"])
def test_other_methods_are_answered_like_get(
    scenes: Twins, recorded: Recorded, method: str, path: str
) -> None:
    def look(server: ServerProcess) -> dict[str, Any]:
        reply = ask(server, path, method)
        text = reply.body if reply.status != 200 else shape(reply.json())
        return {"status": reply.status, "type": reply.headers["content-type"], "body": text}

    scenes.compare(recorded, look)


def test_variables_tell_no_command_line(scenes: Twins, recorded: Recorded) -> None:
    def look(server: ServerProcess) -> dict[str, Any]:
        reply = ask(server, "/debug/vars")
        names, memory = list(reply.json()), reply.json()["memstats"]
        kinds = {name: type(memory[name]).__name__ for name in ("Alloc", "Sys", "NumGC")}
        return {"type": reply.headers["content-type"], "names": names, "memory": kinds}

    scenes.compare(recorded, look)
    (program,) = ask(scenes.ours, "/debug/vars").json()["cmdline"]
    assert "pynats-server" in program


BASED = ["/mon", "/mon/", "/mon/debug/vars", "/debug/vars", "/", "/varz", "/monvarz", "/mon/x",
         "/mon/subscriptionsz", "/mon/connz?sort=x", "/mon/healthz", "/mon//varz"]  # fmt: skip


def test_all_paths_begin_with_the_base(
    kind_under_test: str, tmp_path: Path, recorded: Recorded
) -> None:
    def look(server: ServerProcess) -> dict[str, Any]:
        status = {path: ask(server, path).status for path in BASED}
        counted = ask(server, "/mon/varz").json()["http_req_stats"]
        return {"status": status, "counted": {name: counted[name] for name in sorted(counted)}}

    with Twins(kind_under_test, tmp_path, "http_base_path: /mon", None) as twins:
        twins.compare(recorded, look)


def test_nothing_secret_is_shown(scenes: Twins) -> None:
    for path in (*ENDPOINTS, "/stacksz", "/metrics", "/"):
        body = ask(scenes.ours, path).body
        assert not [secret for secret in SECRETS if secret in body], path


def test_round_trip_time_is_guessed_from_connect_on(scenes: Twins, recorded: Recorded) -> None:
    def look(server: ServerProcess) -> dict[str, bool]:
        with RawClient(server.port) as client:
            cid = json.loads(client.read_info().removeprefix(b"INFO "))["client_id"]

            def told() -> dict[str, Any] | None:
                connections = ask(server, "/connz").json()["connections"]
                return next((each for each in connections if each["cid"] == cid), None)

            # The reference greets a client before it lists it.
            before = wait_until(told, "the connection")
            client.send(b'CONNECT {"user":"alice","pass":"alice-secret-1","verbose":false}\r\n')
            client.fence()
            after = told()
            assert before is not None and after is not None
            return {"before": before["rtt"] != "0s", "after": after["rtt"] != "0s"}

    scenes.compare(recorded, look)
    assert look(scenes.ours) == {"before": False, "after": True}
