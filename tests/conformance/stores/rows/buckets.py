"""K: key-value buckets."""

from __future__ import annotations

from tests.conformance.consumers.playing import own_server
from tests.conformance.consumers.scene import SECOND, Scene
from tests.conformance.stores.bucket import Bucket


def k1_values_and_revisions(s: Scene) -> None:
    b = Bucket(s, history=3)
    b.put("a", "1")
    b.put("b.c", "2")
    b.put("a", "3")
    b.get("a")
    b.get("b.c")
    b.get("a", 1)
    b.get("a", 2)  # another key's revision
    b.get("a", 9)
    b.get("nothing")
    b.get_by_api("a")
    b.get_by_api("nothing")
    b.put("empty", "")
    b.get("empty")
    b.put("odd/key_1=x-y", "odd")
    b.get("odd/key_1=x-y")
    b.put("headers", "h", A="1", B_C="2")
    b.get("headers")
    b.status()


def k1_compare_and_set(s: Scene) -> None:
    b = Bucket(s)
    b.create("a", "1")
    b.create("a", "2")
    b.update("a", "3", 1)
    b.update("a", "4", 1)
    b.update("a", "5", 0)
    b.update("new", "6", 7)
    b.delete("a", 1)
    b.delete("a", 2)
    b.get("a")
    b.create("a", "7")
    b.create("a", "8")
    b.purge("a", 1)
    b.purge("a", 4)
    b.create("a", "9")
    b.get("a")
    b.delete("never", 3)
    b.status()


def k1_history_keeps_the_newest(s: Scene) -> None:
    b = Bucket(s, history=4)
    for number in range(6):
        b.put("a", str(number))
        b.put("b", str(number))
    b.delete("a")
    b.history("a")
    b.history("b")
    b.history("*")
    b.history("nothing")
    b.purge("b")
    b.history("b")
    b.put("b", "again")
    b.history("b")
    b.status()


def k1_history_of_one_and_of_64(s: Scene) -> None:
    b = Bucket(s)
    for number in range(3):
        b.put("a", str(number))
    b.history("a")
    long = Bucket(s, "LONG", history=64)
    for number in range(66):
        s.ask(f"{long.prefix}a", str(number))
    long.history("a")
    long.status()


def k2_a_watch_has_the_newest_then_updates(s: Scene) -> None:
    b = Bucket(s, history=3)
    b.put("a", "1")
    b.put("a", "2")
    b.put("b", "3")
    b.put("c", "4")
    b.delete("c")
    b.watch("w")
    s.take("w", 3)
    b.put("a", "5")
    s.take("w")
    b.delete("b")
    s.take("w")
    b.purge("a")
    s.take("w")
    b.put("d.e", "6")
    s.take("w")
    b.stop("w")


def k2_a_watch_of_an_empty_bucket(s: Scene) -> None:
    b = Bucket(s)
    b.watch("w")
    b.watch("key", "a")
    s.quiet("w", "key")
    b.put("a", "1")
    s.take("w")
    b.put("b", "2")
    s.take("w")
    s.take("key")
    b.stop("w")
    b.put("a", "3")
    s.take("key")


def k2_a_watch_with_history(s: Scene) -> None:
    b = Bucket(s, history=3)
    for number in range(5):
        b.put("a", str(number))
    b.put("b", "5")
    b.delete("b")
    b.watch("all", history=True)
    s.take("all", 5)
    b.watch("one", "a", history=True)
    s.take("one", 3)
    b.put("a", "6")
    s.take("all")
    s.take("one")


def k2_a_watch_of_updates_only(s: Scene) -> None:
    b = Bucket(s, history=2)
    b.put("a", "1")
    b.put("b", "2")
    b.watch("w", updates_only=True)
    b.watch("one", "b", updates_only=True)
    s.quiet("w", "one")
    b.put("a", "3")
    s.take("w")
    b.delete("b")
    s.take("w")
    s.take("one")


def k2_a_watch_without_values(s: Scene) -> None:
    b = Bucket(s)
    b.put("a", "value")
    b.put("b", "")
    b.delete("c")
    b.put("d", "more", A="1")
    b.watch("w", meta_only=True)
    s.take("w", 4)
    b.put("a", "longer value")
    s.take("w")
    b.purge("d")
    s.take("w")


def k2_a_watch_resumes_from_a_revision(s: Scene) -> None:
    b = Bucket(s, history=5)
    for number in range(6):
        b.put("ab"[number % 2], str(number))
    b.watch("w", resume_from=4)
    s.take("w", 3)
    b.watch("one", "a", resume_from=2)
    s.take("one", 2)
    b.watch("late", resume_from=100)
    s.quiet("late")
    b.put("a", "6")
    s.take("w")
    s.take("one")
    s.quiet("late")


def k2_a_watch_of_several_keys(s: Scene) -> None:
    b = Bucket(s, history=2)
    for key in ("a.1", "a.2", "b.1", "c", "a.1"):
        b.put(key, key)
    b.watch("w", "a.*", "c")
    s.take("w", 3)
    b.watch("h", "b.>", "a.2", history=True)
    s.take("h", 2)
    for key in ("z", "a.2"):
        b.put(key, "new " + key)
    s.take("w")
    s.take("h")
    for key in ("b.1", "c"):
        b.put(key, "new " + key)
    s.take("w")
    s.take("h")


def k2_a_watch_of_keys_that_overlap(s: Scene) -> None:
    b = Bucket(s)
    b.put("a.2", "1")
    b.watch("w", "a.>", "*.2")


def k2_a_watch_of_a_bucket_that_is_deleted(s: Scene) -> None:
    b = Bucket(s)
    b.put("a", "1")
    b.watch("w")
    s.take("w")
    s.api("STREAM.DELETE.KV_B")
    s.settle("w")
    again = Bucket(s)
    again.put("a", "2")
    s.quiet("w")


def k3_keys_with_filters(s: Scene) -> None:
    b = Bucket(s, history=2)
    b.keys()
    for key in ("a", "a.b", "a.c", "b.b", "b.b.c", "gone", "purged"):
        b.put(key, "v")
    b.delete("gone")
    b.purge("purged")
    b.keys()
    b.keys("a.>")
    b.keys("*.b")
    b.keys("a.*", "b.b.c")
    b.keys("nothing.>")
    b.put("gone", "again")
    b.keys("*")


def k3_purge_deletes(s: Scene) -> None:
    b = Bucket(s, history=5)
    for key in ("a", "b", "c"):
        b.put(key, "1")
        b.put(key, "2")
    b.delete("a")
    b.purge("b")
    b.status()
    b.purge_deletes(keep=1)
    b.status()
    b.get("a")
    b.purge_deletes()
    b.status()
    b.get("a")
    b.keys()
    b.create("a", "new")
    b.history("a")


def k3_purge_removes_the_history_of_one_key(s: Scene) -> None:
    b = Bucket(s, history=10)
    for number in range(4):
        b.put("a", str(number))
        b.put("a.b", str(number))
    b.purge("a")
    b.status()
    b.history(">")
    b.purge("a")
    b.purge("nothing")
    b.status()


def k3_what_a_bucket_denies(s: Scene) -> None:
    b = Bucket(s)
    b.put("a", "1")
    s.api("STREAM.MSG.DELETE.KV_B", {"seq": 1})
    s.api("STREAM.PURGE.KV_B", {"filter": "$KV.B.a"})
    b.put("a", "1", Nats_Rollup="all")
    b.put("a", "1", Nats_TTL="1h")
    b.put("a", "1", Nats_Rollup="key")
    b.status()


def k4_keys_with_a_ttl(s: Scene) -> None:
    b = Bucket(s, history=3, allow_msg_ttl=True)
    b.watch("w")
    b.create("a", "short", ttl="1s")
    s.take("w")
    b.create("b", "long", ttl="1h")
    s.take("w")
    b.create("c", "bad", ttl="0.5s")
    b.create("d", "lasting")
    s.take("w")
    b.until_gone("a")
    s.quiet("w")
    b.get("a")
    b.get("b")
    b.keys()
    b.create("a", "again")
    s.take("w")
    b.status()


def k4_a_key_with_a_ttl_leaves_a_marker(s: Scene) -> None:
    b = Bucket(s, history=3, allow_msg_ttl=True, subject_delete_marker_ttl=SECOND * 3)
    b.watch("w")
    b.watch("one", "a", updates_only=True)
    b.create("b", "long")
    s.take("w")
    b.create("a", "short", ttl="1s")
    s.take("w")
    s.take("one")
    s.take("w")
    s.take("one")
    b.get("a")
    b.keys()
    b.create("a", "again")
    s.take("w")
    b.history("a")
    b.status()


def k4_markers_run_out(s: Scene) -> None:
    b = Bucket(s, history=3, allow_msg_ttl=True, subject_delete_marker_ttl=SECOND)
    b.put("b", "stays")
    b.create("a", "short", ttl="1s")
    b.watch("w", "a", history=True)
    s.take("w", 2)
    b.until_gone("a")
    s.quiet("w")
    b.status()


def k4_a_purge_with_a_ttl(s: Scene) -> None:
    b = Bucket(s, history=3, allow_msg_ttl=True)
    b.put("a", "1")
    b.put("a", "2")
    b.watch("w")
    s.take("w")
    b.purge("a", ttl="1s")
    s.take("w")
    b.until_gone("a")
    s.quiet("w")
    b.status()
    b.create("a", "3")
    b.history("a")


def k4_a_bucket_with_an_age(s: Scene) -> None:
    b = Bucket(s, history=2, max_age=SECOND)
    b.put("a", "1")
    b.watch("w")
    s.take("w")
    b.until_gone("a")
    s.quiet("w")
    b.get("a")
    b.keys()
    b.create("a", "2")
    s.take("w")


def k4_a_bucket_with_an_age_and_markers(s: Scene) -> None:
    b = Bucket(
        s, max_age=SECOND, allow_msg_ttl=True, subject_delete_marker_ttl=SECOND * 3600
    )  # fmt: skip
    b.watch("w")
    b.put("a", "1")
    s.take("w")
    s.take("w")
    b.get("a")
    b.keys()
    b.create("a", "2")
    s.take("w")
    s.take("w")


def k5_a_value_too_large_and_a_full_bucket(s: Scene) -> None:
    b = Bucket(s, max_msg_size=10, max_bytes=200)
    b.put("a", "x" * 10)
    b.put("a", "x" * 11)
    for number in range(8):
        b.put(f"k{number}", "x")
    b.put("a", "y")
    b.delete("k0")
    b.status()


def k5_a_bucket_in_memory_and_a_compressed_one(s: Scene) -> None:
    for name, config in (("M", {"storage": "memory"}), ("Z", {"compression": "s2"})):
        b = Bucket(s, name, history=2, **config)
        b.put("a", "1")
        b.put("a", "2")
        b.watch(f"w{name}", history=True)
        s.take(f"w{name}", 2)
        b.status()


def k5_a_bucket_that_republishes(s: Scene) -> None:
    s.listen("told.>", "told")
    b = Bucket(s, republish={"src": "$KV.B.>", "dest": "told.>"})
    b.put("a", "1")
    b.delete("a")
    b.put("b.c", "2")
    s.take("told", 3)


def k5_the_settings_of_a_bucket_change(s: Scene) -> None:
    b = Bucket(s, history=3)
    for number in range(3):
        b.put("a", str(number))
    s.update_stream("KV_B", "$KV.B.>", max_msgs_per_subject=1, allow_rollup_hdrs=True,
                    deny_delete=True, allow_direct=True, discard="new")  # fmt: skip
    b.history("a")
    b.status()
    s.update_stream("KV_B", "$KV.B.>", max_msgs_per_subject=1, allow_rollup_hdrs=True,
                    deny_delete=False, allow_direct=True, discard="new")  # fmt: skip


def k6_a_mirrored_bucket(s: Scene) -> None:
    origin = Bucket(s, "O", history=2)
    origin.put("a", "1")
    origin.put("a", "2")
    origin.put("b", "3")
    mirror = Bucket(s, "M", history=2, subjects=[], deny_delete=False, mirror_direct=True,
                    mirror={"name": "KV_O"})  # fmt: skip
    s.until_stream("KV_M", last_seq=3)
    mirror.prefix = origin.prefix
    mirror.get("a")
    mirror.get("a", 1)
    mirror.keys()
    mirror.history("a")
    mirror.watch("w")
    s.take("w", 2)
    mirror.create("c", "through the origin")
    s.take("w")
    mirror.update("a", "5", 2)
    s.take("w")
    mirror.update("a", "6", 2)
    mirror.delete("b")
    s.take("w")
    mirror.purge("a")
    s.take("w")
    s.until_stream("KV_M", last_seq=7)
    mirror.status()
    origin.status()


def k6_a_bucket_of_two_sources(s: Scene) -> None:
    one = Bucket(s, "ONE", history=2)
    two = Bucket(s, "TWO", history=2)
    one.put("a", "1")
    one.put("a", "2")
    sources = [
        {"name": f"KV_{name}", "subject_transforms": [{"src": f"$KV.{name}.>", "dest": "$KV.B.>"}]}
        for name in ("ONE", "TWO")
    ]
    b = Bucket(s, history=3, sources=sources)
    s.until_stream("KV_B", messages=2)
    two.put("b", "3")
    s.until_stream("KV_B", messages=3)
    b.watch("w")
    s.take("w", 2)
    b.keys()
    b.history("a")
    one.delete("a")
    s.take("w")
    b.keys()
    b.put("own", "4")
    s.take("w")
    b.create("own", "5")
    b.keys()
    two.purge("b")
    s.take("w")
    b.keys()
    b.status()


@own_server
def k7_a_bucket_after_a_restart(s: Scene) -> None:
    b = Bucket(s, history=3, allow_msg_ttl=True, subject_delete_marker_ttl=SECOND * 4)
    b.put("a", "1")
    b.put("a", "2")
    b.delete("b")
    b.create("c", "short", ttl="1s")
    s.restart()
    b.get("a")
    b.keys("a", "b")
    b.update("a", "3", 2)
    b.update("a", "4", 2)
    b.watch("w")
    s.take("w", 3)
    s.take("w")
    s.restart(kill=True)
    b.history("a")
    b.until_gone("c")
    b.status()
