"""Mirrors and sources whose origin answers oddly, and strangers who publish to where it delivers:
they go on as soon as there is something to read, and keep and say no more than they should."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from nats.aio.msg import Msg
from pynats_server.jetstream.stream.copying import distant, follower

from tests.support.copying import Scene, ask, bodies, copying, each_way, origin_of_a, playing
from tests.support.deadline import wait_until_async
from tests.support.on_loop import on_loop

DEEP = b"[" * 100_000
STATUS = b"NATS/1.0 100\r\n\r\n"
CREATE = "CONSUMER.CREATE."
ANOTHER = "consumer's stream identity does not match: "
ODD_ANSWERS = {
    "brackets": DEEP,
    "brackets where nobody looks": b'{"name":"x","more":' + DEEP,
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "bytes that are no text": b'{"name":"\xff"}',
    "half of a pair": b'{"error":{"code":400,"err_code":10225,"description":"x \\ud800"}}',
    "a number for a name": b'{"name":7}',
    "a text for an error": b'{"error":{"code":"400"}}',
    "a text for a number": b'{"num_pending":"9"}',
    "a number that is too large": b'{"ack_floor":{"stream_seq":1%b}}' % (b"0" * 30),
    "a number that is much too large": b'{"num_pending":1%b}' % (b"0" * 6000),
    "less than nothing": b'{"ack_floor":{"stream_seq":-1}}',
}
ODD_STREAMS = {
    "brackets": DEEP,
    "a text for a number": b'{"created":"2020-01-01T00:00:00Z","state":{"messages":1,"first_seq":1,'
    b'"last_seq":"9","first_ts":"2019-01-01T00:00:00Z","last_ts":"2019-01-01T00:00:00Z"}}',
    "a time that is none": b'{"created":"now","state":{"messages":1,"first_seq":1,"last_seq":9,'
    b'"first_ts":"then","last_ts":"then"}}',
    "a time beyond all": b'{"created":"9999-12-31T23:59:59-23:00","state":{"messages":1,'
    b'"first_seq":1,"last_seq":9,"first_ts":"9999-12-31T23:59:59-23:00","last_ts":""}}',
}


class OddApi:
    """A client of A that is the API `JS.ODD` of D: it has A's JetStream answer, unless there is
    something in `odd` for such a request. `asked` has all requests; those that begin with `hold`
    wait until it is empty."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._waiting: list[Msg] = []
        self.odd: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.hold = ""

    async def begin(self) -> None:
        await self._scene.a.subscribe("odd.>", cb=self._arrived)
        await self._scene.a.flush()

    async def let_go(self) -> None:
        self.hold = ""
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            await self._pass_on(message)

    async def _arrived(self, message: Msg) -> None:
        subject = message.subject.removeprefix("odd.")
        self.asked.append(subject)
        odd = next((each for each in self.odd if subject.startswith(each)), None)
        if self._waiting or (self.hold and subject.startswith(self.hold)):
            self._waiting.append(message)
        elif odd is not None:
            await message.respond(self.odd.pop(odd))
        else:
            await self._pass_on(message)

    async def _pass_on(self, message: Msg) -> None:
        client, subject = self._scene.a, "$JS.API." + message.subject.removeprefix("odd.")
        if not message.reply:
            await client.publish(subject, message.data)
            return
        answer = await client.request(subject, message.data, headers=message.headers)
        await client.publish(message.reply, answer.data, headers=answer.headers)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distant, "FIRST_PAUSE_S", 0.01)


@pytest.mark.parametrize("answer", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
@each_way
@on_loop
async def test_an_odd_answer_is_asked_for_again(how: str, answer: bytes, tmp_path: Path) -> None:
    async with playing(tmp_path) as s:
        api = OddApi(s)
        await api.begin()
        api.odd[CREATE] = answer
        await s.make(s.a, "O", subjects=["o"])
        await s.make(s.d, "M", **copying(how, "JS.ODD"))
        await s.publish(3)
        await s.until_copied([0, 1, 2])
        assert [each.startswith(CREATE) for each in api.asked] == [True, True]


@on_loop
async def test_it_says_that_the_answer_was_odd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distant, "FIRST_PAUSE_S", 60.0)
    async with playing(tmp_path) as s:
        api = OddApi(s)
        await api.begin()
        api.odd[CREATE] = DEEP
        await s.make(s.d, "M", mirror=origin_of_a("JS.ODD"))
        await wait_until_async(lambda: s.follower().error is not None, "an error")
        told = (await ask(s.d, "STREAM.INFO.M"))["mirror"]
        assert (told["error"]["err_code"], told["error"]["code"]) == (10025, 400)


@pytest.mark.parametrize("info", ODD_STREAMS.values(), ids=ODD_STREAMS)
@each_way
@on_loop
async def test_an_odd_description_of_another_origin(how: str, info: bytes, tmp_path: Path) -> None:
    async with playing(tmp_path) as s:
        api = OddApi(s)
        await api.begin()
        await s.make(s.a, "O", subjects=["o"])
        await s.make(s.d, "M", **copying(how, "JS.ODD"))
        await s.publish(3)
        await s.until_copied([0, 1, 2])
        error = {"code": 400, "err_code": 10225, "description": ANOTHER + "abcdEFGH"}
        api.odd |= {CREATE: json.dumps({"error": error}).encode(), "STREAM.INFO.": info}
        before = len(api.asked)
        s.reader().open()
        await s.publish(2, 3)
        await wait_until_async(lambda: len(api.asked) >= before + 3, "it asks again")
        assert api.asked[before + 1].startswith("STREAM.INFO.")
        await s.until_copied(list(range(5)))  # it was the same after all


@each_way
@on_loop
async def test_only_identities_are_taken_for_such(how: str, tmp_path: Path) -> None:
    """Copies carry them as a word of a header."""
    async with playing(tmp_path) as s:
        api = OddApi(s)
        await api.begin()
        error = {"code": 400, "err_code": 10225, "description": ANOTHER + "a\r\nX:1"}
        api.odd[CREATE] = json.dumps({"error": error}).encode()
        await s.make(s.a, "O", subjects=["o"])
        await s.make(s.d, "M", **copying(how, "JS.ODD"))
        await s.publish(1)
        await s.until_copied([0])
        (place,) = s.stream("D", "M").store.places.known.values()
        assert len(place.identity) == 8 and place.identity.isalnum()
        assert not any(each.startswith("STREAM.INFO") for each in api.asked)


@on_loop
async def test_an_odd_name_of_a_consumer_is_nobodys_subject(tmp_path: Path) -> None:
    async with playing(tmp_path) as s:
        api = OddApi(s)
        await api.begin()
        await s.make(s.a, "O", subjects=["o"])
        api.odd[CREATE] = json.dumps({"name": "x 1 0\r\n\r\nMSG y 1 0"}).encode()
        await s.make(s.d, "M", mirror=origin_of_a("JS.ODD"))
        reader, name = s.reader(), s.follower().consumer_name
        await wait_until_async(lambda: reader._asking is None, "an answer")
        await ask(s.d, "STREAM.DELETE.M")
        await wait_until_async(lambda: len(api.asked) > 1, "it is forgotten")
        assert api.asked[1:] == [f"CONSUMER.DELETE.O.{name}"]


@pytest.mark.parametrize("error", [RuntimeError("a bug"), OverflowError("another")], ids=str)
@on_loop
async def test_whatever_goes_wrong_it_asks_again(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = distant.Distant._follows
    faults = [error, error]

    def follows(reader: distant.Distant, *arguments: Any) -> bool:
        if faults:
            raise faults.pop()
        return begun(reader, *arguments)

    monkeypatch.setattr(distant.Distant, "_follows", follows)
    async with playing(tmp_path) as s:
        await s.begin("mirror", 3)
        assert not faults


# --- strangers ---


@pytest.mark.parametrize(
    "reply",
    ["elsewhere", "$JS.API.STREAM.DELETE.M", "$JS.FC", "$JS.FC.", "$JS.FC.a b", "$JS.FC.>"],
)
@each_way
@on_loop
async def test_nothing_is_said_where_a_stranger_wants_it(
    how: str, reply: str, tmp_path: Path
) -> None:
    async with playing(tmp_path) as s:
        await s.begin(how, 1)
        reader, heard = s.reader(), []
        s.stream("D", "M").account.account.subscribe(b">", lambda *each: heard.append(each[1]))
        reader._received(None, b"x", reply.encode(), STATUS, b"")
        told = f"NATS/1.0 100\r\nNats-Consumer-Stalled: {reply}\r\n\r\n".encode()
        reader._received(None, b"x", b"", told, b"")
        await s.publish(1, 1)
        await s.until_copied([0, 1])
        assert reply.encode() not in heard


@on_loop
async def test_a_consumers_question_is_answered(tmp_path: Path) -> None:
    async with playing(tmp_path) as s:
        await s.begin("mirror", 1)
        reader, heard = s.reader(), []
        s.stream("D", "M").account.account.subscribe(b"$JS.FC.>", lambda *each: heard.append(each))
        reader._received(None, b"x", b"$JS.FC.O.C.abcd", STATUS, b"")
        await wait_until_async(lambda: bool(heard), "the answer")
        _, subject, _, headers, _ = heard[0]
        assert (subject, headers[:22]) == (b"$JS.FC.O.C.abcd", b"NATS/1.0\r\nNats-Last-Co")


@on_loop
async def test_questions_of_strangers_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distant, "QUEUE_BYTES", 20_000)
    async with playing(tmp_path) as s:
        api = OddApi(s)
        await api.begin()
        api.hold = CREATE
        await s.make(s.a, "O", subjects=["o"])
        await s.make(s.d, "M", mirror=origin_of_a("JS.ODD"))
        await wait_until_async(lambda: bool(api.asked), "it asks")
        reader = s.reader()
        for number in range(1000):
            reader._received(None, b"x", b"$JS.FC.O.C.%d" % number, STATUS, b"")
        assert len(reader._queue) == 1
        for number in range(1000):
            reply = b"$JS.ACK.O.C.1.%d.%d.1.0" % (number + 1, number + 1)
            reader._received(None, b"o", reply, b"", b"7")
            reader._received(None, b"x", b"$JS.FC.O.C.%d" % number, STATUS, b"")
            assert reader._queued_bytes == sum(each.size for each in reader._queue) <= 20_000
        assert len(reader._queue) < 80


@on_loop
async def test_long_numbers_in_headers_are_none(tmp_path: Path) -> None:
    async with playing(tmp_path) as s:
        await s.begin("mirror", 1)
        reader = s.reader()
        for number in (b"9" * 5000, b"9" * 20, b"-1", b"", "٣".encode()):
            told = b"NATS/1.0 100\r\nNats-Last-Consumer: %b\r\n\r\n" % number
            reader._received(None, b"x", b"", told, b"")
        assert reader._asking is None
        await s.publish(1, 1)
        await s.until_copied([0, 1])


@pytest.mark.parametrize("asks", [False, True], ids=["alone", "with questions"])
@on_loop
async def test_what_is_there_already_is_passed_over_in_steps(asks: bool, tmp_path: Path) -> None:
    async with playing(tmp_path) as s:
        await s.begin("mirror", 1)
        mirror, reader = s.follower(), s.reader()
        for number in range(reader._arrived.delivery + 1, 1000):
            reader._received(None, b"o", b"$JS.ACK.O.C.1.1.%d.1.0" % number, b"", b"7")
            if asks:
                reader._received(None, b"x", b"$JS.FC.O.C.%d" % number, STATUS, b"")
        left = [len(reader._queue)]
        left += [len(reader._queue) for _ in mirror._taking(reader)]
        assert left[0] > 900
        assert max(before - after for before, after in pairwise(left)) <= follower.COPIES
        assert bodies(s.stream("D", "M")) == [0]


# --- what stays at the origin ---


@each_way
@on_loop
async def test_a_stream_that_is_deleted_while_it_asks_leaves_nothing(
    how: str, tmp_path: Path
) -> None:
    async with playing(tmp_path) as s:
        api = OddApi(s)
        await api.begin()
        api.hold = CREATE
        await s.make(s.a, "O", subjects=["o"], retention="workqueue")
        await s.make(s.d, "M", **copying(how, "JS.ODD"))
        await wait_until_async(lambda: bool(api.asked), "it asks")
        await ask(s.d, "STREAM.DELETE.M")
        await s.a.flush()
        origin, told = s.stream("A", "O"), []
        origin.account.account.subscribe(
            b"$JS.EVENT.ADVISORY.CONSUMER.>", lambda *each: told.append(each[1].split(b".")[4])
        )
        await api.let_go()
        await wait_until_async(lambda: len(told) == 2, "its consumer has come and gone")
        assert told == [b"CREATED", b"DELETED"]
        assert not origin.consumers.by_name


@on_loop
async def test_a_consumer_under_another_name_is_instead_of_the_one_before(tmp_path: Path) -> None:
    """A work queue has only one consumer for a subject."""

    def source(subject: str) -> dict[str, Any]:
        return {**origin_of_a(), "filter_subject": subject}

    async with playing(tmp_path) as s:
        await s.make(s.a, "O", subjects=["o", "p"], retention="workqueue")
        await s.make(s.d, "M", sources=[source("o")])
        await s.publish(1)
        await s.until_copied([0])
        both = [source("o"), source("p")]
        await ask(s.d, "STREAM.UPDATE.M", name="M", sources=both)
        s.reader().open()
        await s.publish(2, 1)
        await s.until_copied([0, 1, 2])
        sources = s.stream("D", "M").following.sources
        expected = {each.consumer_name for each in sources}
        found = s.stream("A", "O").consumers.by_name
        await wait_until_async(lambda: found.keys() == expected, "a consumer for each source")
