"""O: object stores."""

from __future__ import annotations

from collections.abc import Callable

from tests.conformance.consumers.playing import own_server
from tests.conformance.consumers.scene import SECOND, Scene
from tests.conformance.stores.objects import ObjectStore

Change = Callable[[ObjectStore], object]

LARGE = bytes(range(256)) * 16  # five chunks, the last one shorter


def o1_objects_of_no_one_and_many_chunks(s: Scene) -> None:
    o = ObjectStore(s)
    o.put("empty", b"")
    o.put("one", b"x")
    o.put("exact", b"y" * 2000)
    o.put("large", LARGE, description="some", headers={"A": ["1", "2"]})
    o.put("odd name/ä ü*", b"odd")
    for name in ("empty", "one", "exact", "large", "odd name/ä ü*", "nothing"):
        o.get(name)
    o.status()


def o1_an_object_of_many_megabytes(s: Scene) -> None:
    o = ObjectStore(s, storage="memory")
    o.put("huge", LARGE * 300)
    o.get("huge")
    o.delete("huge")
    o.status()


def o1_an_object_is_replaced(s: Scene) -> None:
    o = ObjectStore(s)
    o.put("a", LARGE)
    o.put("b", LARGE[:1500])
    o.put("a", b"new")
    o.get("a")
    o.get("b")
    o.status()


def o1_an_object_is_deleted_and_made_again(s: Scene) -> None:
    o = ObjectStore(s)
    o.put("a", LARGE)
    o.put("b", b"stays")
    o.delete("a")
    o.get("a")
    o.delete("nothing")
    o.status()
    o.put("a", b"again")
    o.get("a")
    o.status()


def o2_a_watch_of_objects(s: Scene) -> None:
    o = ObjectStore(s)
    o.put("a", LARGE)
    o.put("b", b"b")
    o.put("a", b"a")
    o.delete("b")
    o.watch("w")
    o.take("w", 2)
    o.watch("h", "all")
    o.take("h", 2)
    o.watch("u", "new")
    s.quiet("u")
    for change in (
        lambda: o.put("c", b"c"),
        lambda: o.rename("c", "d"),
        lambda: o.delete("a"),
    ):
        change()
        for name in ("w", "h", "u"):
            o.take(name)


def o2_a_watch_of_an_empty_store(s: Scene) -> None:
    o = ObjectStore(s)
    o.watch("w")
    s.quiet("w")
    o.put("a", LARGE)
    o.take("w")
    s.quiet("w")


def o2_an_object_is_renamed(s: Scene) -> None:
    o = ObjectStore(s)
    o.put("a", LARGE)
    o.rename("a", "b")
    o.get("a")
    o.get("b")
    o.status()
    o.put("a", b"another")
    o.get("a")
    o.get("b")


def o3_links(s: Scene) -> None:
    o = ObjectStore(s)
    other = ObjectStore(s, "OTHER")
    o.put("a", LARGE)
    o.link("to a", "B", "a")
    o.link("to nothing", "B", "nothing")
    other.link("to B", "B")
    other.link("to a", "B", "a")
    o.get("to a")
    other.get("to B")
    other.get("to a")
    o.watch("w")
    o.take("w", 3)
    o.delete("to a")
    o.get("a")
    other.watch("v")
    other.take("v", 2)
    o.status()
    other.status()


def o3_a_sealed_store_is_only_read(s: Scene) -> None:
    o = ObjectStore(s)
    o.put("a", LARGE)
    o.put("b", b"b")
    o.watch("w")
    o.take("w", 2)
    o.seal()
    o.put("c", b"c")
    o.put("a", b"other")
    o.get("a")
    o.watch("after")
    o.take("after", 2)
    s.api("STREAM.PURGE.OBJ_B", {})
    s.api("STREAM.PURGE.OBJ_B", {"filter": o.chunks("id1")})
    s.api("STREAM.MSG.DELETE.OBJ_B", {"seq": 1})
    o.status()
    s.api("STREAM.DELETE.OBJ_B")


def o4_an_object_is_deleted_while_it_is_read(s: Scene) -> None:
    read_while(s, lambda o: o.delete("a"))


def o4_an_object_is_replaced_while_it_is_read(s: Scene) -> None:
    read_while(s, lambda o: o.put("a", b"other"))


def o4_another_object_is_deleted_while_one_is_read(s: Scene) -> None:
    read_while(s, lambda o: o.delete("b"))


def o4_the_store_is_purged_while_an_object_is_read(s: Scene) -> None:
    read_while(s, lambda o: s.api("STREAM.PURGE.OBJ_B", {}))


def o4_the_store_is_deleted_while_an_object_is_read(s: Scene) -> None:
    read_while(s, lambda o: s.api("STREAM.DELETE.OBJ_B"))


def read_while(s: Scene, change: Change) -> None:
    """A reader that asks for two chunks, and after the change for the rest."""
    o = ObjectStore(s)
    o.put("b", b"before")
    o.put("a", LARGE)
    o.put("c", b"behind")
    s.create("R", "OBJ_B", durable_name=None, ack_policy="none", mem_storage=True,
             filter_subject=o.chunks("id2"))  # fmt: skip
    s.pull({"batch": 2}, "p", consumer="R", stream="OBJ_B")
    s.take("p", 2)
    s.info("R", "OBJ_B")
    change(o)
    s.pull({"batch": 10, "no_wait": True}, "p", consumer="R", stream="OBJ_B")
    s.take_all("p")
    s.say(f"= {s.call('CONSUMER.INFO.OBJ_B.R').get('num_pending')} to come")


def o4_an_object_is_put_in_pieces_while_another_is_read(s: Scene) -> None:
    o = ObjectStore(s)
    o.put("a", LARGE)
    sid, left = o.reading("id1", "slow")
    s.say(f"= {left} to come")
    o.put("b", LARGE)
    o.put("c", LARGE)
    for number in range(left):
        message = o.next(sid)
        s.say(f"slow < {len(message.payload)} bytes of {message.subject}, {number + 1}")
    o.get("b")


def o5_a_full_store(s: Scene) -> None:
    o = ObjectStore(s, max_bytes=6000)
    o.put("a", LARGE)
    o.put("b", LARGE)
    o.get("a")
    o.get("b")
    o.status()
    s.api("STREAM.PURGE.OBJ_B", {"filter": o.chunks("id2")})
    o.delete("a")
    o.put("b", LARGE[:1500])
    o.get("b")
    o.status()


def o5_objects_with_an_age(s: Scene) -> None:
    o = ObjectStore(s, max_age=SECOND)
    o.put("a", LARGE)
    o.watch("w")
    o.take("w")
    s.until_stream("OBJ_B", messages=0)
    s.quiet("w")
    o.get("a")
    o.put("a", b"again")
    o.take("w")


def o5_a_mirrored_store(s: Scene) -> None:
    o = ObjectStore(s)
    o.put("a", LARGE)
    o.put("b", b"b")
    mirror = ObjectStore(s, "M", subjects=[], mirror={"name": "OBJ_B"}, mirror_direct=True)
    s.until_stream("OBJ_M", last_seq=8)
    mirror.name = "B"
    mirror.get("a")
    mirror.watch("w")
    mirror.take("w", 2)
    o.delete("a")
    mirror.take("w")
    mirror.get("b")
    mirror.status()
    o.status()


@own_server
def o6_a_store_after_a_restart(s: Scene) -> None:
    o = ObjectStore(s)
    o.put("a", LARGE)
    o.put("b", b"b")
    o.put("a", LARGE + b"more")
    s.restart()
    o.get("a")
    o.get("b")
    o.delete("b")
    s.restart(kill=True)
    o.get("a")
    o.watch("w")
    o.take("w", 2)
    o.seal()
    s.restart()
    o.put("c", b"c")
    o.get("a")
    o.status()
