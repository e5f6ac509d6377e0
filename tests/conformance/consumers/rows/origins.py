"""S: mirrors and sources of streams that keep messages for their consumers."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.consumers.playing import own_server
from tests.conformance.consumers.rows.subjects import HUB, STORE, reconfigure
from tests.conformance.consumers.scene import SECOND, Scene

FLOW: dict[str, Any] = {"ack_policy": "flow_control", "deliver_subject": "to.flow"}


def copiers(s: Scene, count: int) -> list[dict[str, Any]]:
    """The origin's consumers once there are so many, by what they are for."""
    found: list[dict[str, Any]] = []

    def are_there() -> bool:
        found[:] = s.call("CONSUMER.LIST.O").get("consumers") or []
        return len(found) == count and all("push_bound" in one for one in found)

    s.wait_for(f"{count} read the origin", are_there)
    return sorted(found, key=lambda one: json.dumps(_of(one["config"])))


def _of(config: dict[str, Any]) -> Any:
    filters = config.get("filter_subjects") or config.get("filter_subject")
    start = config["deliver_policy"], config.get("opt_start_seq") or config.get("opt_start_time")
    told = {k: v for k, v in config["metadata"].items() if not k.startswith("_nats.req")}
    return config["name"][:-8], filters, start, told


def tell(s: Scene, found: list[dict[str, Any]]) -> None:
    for one in found:
        s.say(f"= {(one['name'], *_of(one['config'])[1:])}")


def where(s: Scene, *stands: str) -> None:
    """Where they are, once nothing is to be acknowledged and nothing to be copied."""

    def is_done() -> bool:
        found = s.call("CONSUMER.LIST.O").get("consumers") or []
        places = [
            "d {consumer_seq}:{stream_seq}".format(**one["delivered"])
            + ", f {consumer_seq}:{stream_seq}".format(**one["ack_floor"])
            for one in sorted(found, key=lambda one: json.dumps(_of(one["config"])))
        ]
        return places == list(stands)

    s.wait_for(f"they are at {stands}", is_done)


def s2_the_whole_consumer_of_a_mirror(s: Scene) -> None:
    s.stream("O", "o.>", retention="workqueue")
    s.stream("M", "", mirror={"name": "O"})
    (found,) = copiers(s, 1)
    config = found["config"]
    config["deliver_subject"] = config["deliver_subject"][:-8] + "<8>"
    s.say(f"= {json.dumps(config, sort_keys=True)}")
    s.say(f"= {found['name']}")


def s2_copies_that_begin_at_a_time(s: Scene) -> None:
    s.stream("O", "o.>", retention="interest")
    times = {"M": "2026-01-02T03:04:05Z", "N": "2026-01-02T05:04:05.60+02:00"}
    for name, time in times.items():
        s.stream(name, "", mirror={"name": "O", "opt_start_time": time})
    s.stream("S", "", sources=[{"name": "O", "opt_start_time": times["N"]}])
    tell(s, copiers(s, 3))
    s.fill(2, "o.a")
    for name in ("M", "N", "S"):
        s.until_stream(name, messages=2)
    s.until_stream("O", messages=0)


def s2_a_source_does_not_begin_before_what_its_stream_has(s: Scene) -> None:
    s.stream("O", "o.>", retention="interest")
    s.stream("S", "s.>")
    s.fill(1, "s.a")
    s.update_stream("S", "s.>", sources=[{"name": "O", "opt_start_time": "2026-01-02T03:04:05Z"}])
    (found,) = copiers(s, 1)
    last = s.call("STREAM.INFO.S")["state"]["last_ts"]
    s.say(f"= {found['config']['deliver_policy']}, {found['config']['opt_start_time'] == last}")


def s2_names_of_several_sources_of_one_origin(s: Scene) -> None:
    for name in ("O", "P"):
        s.stream(name, f"{name.lower()}.>", retention="interest")
    s.stream("S", "", sources=[{"name": "O", "filter_subject": "o.a"}, {"name": "P"}])
    s.stream(
        "T",
        "",
        sources=[
            {"name": "O", "filter_subject": "o.a"},
            {"name": "O", "subject_transforms": [{"src": "o.b", "dest": "x.b"}]},
            {"name": "P"},
        ],
    )
    tell(s, copiers(s, 3))
    names: list[str] = []

    def are_there() -> bool:
        names[:] = s.call("CONSUMER.NAMES.P").get("consumers") or []
        return len(names) == 2

    s.wait_for("two read the other origin", are_there)
    s.say(f"= {sorted(names)}")


@own_server
def s2_names_tell_the_domain(s: Scene) -> None:
    reconfigure(STORE, HUB, s)
    s.stream("O", "o.>", retention="interest")
    s.stream("M", "", mirror={"name": "O"})
    s.stream("S", "", sources=[{"name": "O"}])
    tell(s, copiers(s, 2))


def s2_the_consumers_of_an_interest_stream(s: Scene) -> None:
    s.stream("O", "o.>", retention="interest")
    s.fill(2, "o.a")
    s.state("O")
    sources: list[dict[str, Any]] = [
        {"name": "O", "filter_subject": "o.a"},
        {"name": "O", "filter_subject": "o.b"},
        {"name": "O", "subject_transforms": [{"src": "o.c", "dest": "x.c"}]},
        {
            "name": "O",
            "subject_transforms": [{"src": "o.d", "dest": "x.d"}, {"src": "o.e", "dest": "x.e"}],
        },
    ]
    s.stream("M", "m.>", sources=sources)
    s.stream("N", "", mirror={"name": "O", "opt_start_seq": 4, "filter_subject": "o.a"})
    tell(s, copiers(s, 5))
    s.fill(6, "o.a", "o.c", "o.unwanted")
    s.until_stream("O", messages=0)
    where(s, "d 1:6, f 1:6", "d 2:6, f 2:6", "d 0:2, f 0:2", "d 2:7, f 2:7", "d 0:2, f 0:2")
    s.state("O")
    s.state("M")
    s.state("N")


def s2_the_consumer_goes_with_its_mirror(s: Scene) -> None:
    s.stream("O", "o.>", retention="interest")
    s.stream("M", "", mirror={"name": "O"})
    s.stream("N", "n.>", sources=[{"name": "O"}])
    copiers(s, 2)
    s.fill(1, "o.a")
    s.until_stream("M", messages=1)
    s.call("STREAM.DELETE.M")
    tell(s, copiers(s, 1))
    s.update_stream("N", "n.>")
    copiers(s, 0)
    s.until_stream("O", messages=0)
    s.fill(1, "o.a")
    s.state("O")


def s2_the_consumer_goes_when_its_mirror_is_promoted(s: Scene) -> None:
    s.stream("O", "o.>", retention="workqueue")
    s.stream("M", "", mirror={"name": "O"})
    copiers(s, 1)
    s.update_stream("M", "m.>")
    copiers(s, 0)
    s.fill(1, "o.a")
    s.state("O")


def s2_a_mirror_of_a_mirror(s: Scene) -> None:
    s.stream("O", "o.>", retention="workqueue")
    s.stream("M", "", mirror={"name": "O"}, retention="interest")
    s.stream("N", "", mirror={"name": "M"})
    copiers(s, 1)
    s.wait_for("M is read", lambda: s.call("STREAM.INFO.M")["state"]["consumer_count"] == 1)
    s.fill(3, "o.a")
    s.until_stream("N", messages=3)
    s.until_stream("O", messages=0)
    s.until_stream("M", messages=0)
    for name in ("O", "M", "N"):
        s.state(name)


def s2_gaps_of_a_work_queue(s: Scene) -> None:
    s.stream("O", "o.>", retention="workqueue")
    s.fill(5, "o.a")
    s.delete_message(1, "O")
    s.delete_message(3, "O")
    s.stream("M", "", mirror={"name": "O"})
    s.until_stream("O", messages=0)
    where(s, "d 3:5, f 3:5")
    s.state("M")


def s3_users_beside_a_source_of_an_interest_stream(s: Scene) -> None:
    s.stream("O", "o.>", retention="interest")
    s.stream("M", "", sources=[{"name": "O", "filter_subject": "o.a"}])
    copiers(s, 1)
    s.create("C", stream="O")
    s.fill(4, "o.a", "o.b")
    s.until_stream("M", messages=2)
    s.state("O")
    name = s.pull("4", stream="O")
    s.take(name, 4)
    s.ack(2)
    s.ack(1)
    s.until_stream("O", messages=2)
    s.ack(3)
    s.ack(4)
    s.until_stream("O", messages=0)


@own_server
def s2_consumers_of_mirrors_outlive_a_restart(s: Scene) -> None:
    s.stream("O", "o.>", retention="interest")
    s.stream("M", "", mirror={"name": "O"})
    s.stream("N", "", sources=[{"name": "O"}])
    copiers(s, 2)
    s.fill(3, "o.a")
    s.until_stream("O", messages=0)
    for kill, last in ((False, 6), (True, 9)):
        s.restart(kill)
        tell(s, [dict(one, config=_begun(one)) for one in copiers(s, 2)])
        s.fill(3, "o.a")
        s.until_stream("O", messages=0)
        s.until_stream("M", messages=last)
        s.until_stream("N", messages=last)


def _begun(info: dict[str, Any]) -> dict[str, Any]:
    """Where it began is asked for anew."""
    return {**info["config"], "deliver_policy": "all", "opt_start_seq": None}


def error_of(s: Scene, name: str, wanted: bool = True) -> None:
    """What the copying stream says is wrong."""
    found: list[Any] = []

    def asked() -> bool:
        info = s.call(f"STREAM.INFO.{name}")
        told = info.get("mirror") or info["sources"][0]
        found[:] = [told.get("error")]
        return ("error" in told) is wanted

    s.wait_for(f"{name} {'complains' if wanted else 'is content'}", asked)
    s.say(f"= {json.dumps(found[0], sort_keys=True)}")


def s2_a_consumer_of_another_kind(s: Scene) -> None:
    s.stream("O", "o.>", retention="workqueue")
    s.create("C", stream="O", deliver_subject="to.c")
    given = {"name": "O", "consumer": {"name": "C", "deliver_subject": "to.c"}}
    s.stream("M", "", mirror=given)
    s.stream("N", "", sources=[given])
    error_of(s, "M")
    error_of(s, "N")


def s2_a_consumer_that_a_user_has_made(s: Scene) -> None:
    s.stream("O", "o.>", retention="workqueue")
    s.create("C", stream="O", filter_subject="o.a", **FLOW)
    s.fill(3, "o.a")
    s.stream("M", "", mirror={"name": "O", "consumer": {"name": "C", "deliver_subject": "to.flow"}})
    s.until_stream("M", messages=3)
    s.until_stream("O", messages=0)
    s.fill(3, "o.a", "o.b")
    s.until_stream("M", messages=5)
    where(s, "d 5:6, f 5:6")
    s.state("O")
    s.state("M")
    s.call("STREAM.DELETE.M")
    s.until("C", "O", num_pending=0)
    s.info("C", "O")


def as_a_server_asks(s: Scene, stream: str) -> dict[str, Any]:
    """What a server with a mirror asks another one for."""
    config = {
        "name": "JS_MIRROR_other", "deliver_policy": "all", "ack_policy": "none",
        "ack_wait": 22 * 3600 * SECOND, "max_deliver": 1, "flow_control": True,
        "deliver_subject": "to.other", "idle_heartbeat": SECOND,
        "inactive_threshold": 10 * SECOND, "direct": True, "sourcing": True,
        "metadata": {"_nats.mirror.acc": "$G", "_nats.mirror.stream": "M"},
    }  # fmt: skip
    s.say(f"> another server reads {stream}")
    request = {"stream_name": stream, "config": config}
    answer = s.call(f"CONSUMER.CREATE.{stream}", request)
    config = answer["config"]
    config["name"] = config["name"][:15] + ("-<8>" if len(config["name"]) > 15 else "")
    config["metadata"] = sorted(config["metadata"])
    s.say(f"= {json.dumps(config, sort_keys=True)}")
    return answer


def s2_another_server_reads_a_stream_of_limits(s: Scene) -> None:
    s.stream("O", "o.>")
    s.fill(2, "o.a")
    s.listen("to.other", "there")
    as_a_server_asks(s, "O")
    client, sid = s._sids["there"]
    for _ in range(2):
        message = client.next(sid, 5)
        assert message is not None
        s.say(f"there < {message.subject} {message.payload!r}")
    s.state("O")
    s.say(f"= {s.call('CONSUMER.NAMES.O').get('consumers')}")


def s2_another_server_reads_a_work_queue(s: Scene) -> None:
    s.stream("O", "o.>", retention="workqueue")
    s.fill(2, "o.a")
    s.listen("to.other", "there")
    as_a_server_asks(s, "O")
    s.take("there", 2)
    s.info("JS_MIRROR_other", "O")
    while (message := s.take("there")[0]).reply == "":
        pass
    s.client.publish(
        message.reply, b"", b"NATS/1.0\r\nNats-Last-Consumer: 2\r\nNats-Last-Stream: 2\r\n\r\n"
    )
    s.until_stream("O", messages=0)
    s.info("JS_MIRROR_other", "O")
