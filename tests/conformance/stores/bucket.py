"""A key-value bucket as ADR-8 has clients make it; each step is told to the scene."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.conformance.consumers.scene import HOUR, RowBroken, Scene
from tests.conformance.consumers.showing import shown_json, shown_message
from tests.support.client import Message

MINUTE = HOUR // 60
EXPECTED = "Nats-Expected-Last-Subject-Sequence"
OPERATION = "KV-Operation"
MARKER = "Nats-Marker-Reason"
ROLLUP = "Nats-Rollup"
TTL = "Nats-TTL"


def bucket_config(name: str, history: int = 1, **config: Any) -> dict[str, Any]:
    """The stream of a bucket."""
    return {
        "name": f"KV_{name}",
        "subjects": [f"$KV.{name}.>"],
        "max_msgs_per_subject": history,
        "discard": "new",
        "allow_rollup_hdrs": True,
        "deny_delete": True,
        "allow_direct": True,
        "max_consumers": -1,
        **config,
    }


class Bucket:
    """One bucket; what is put goes to `prefix`, which is another bucket's in a mirror."""

    def __init__(self, scene: Scene, name: str = "B", history: int = 1, **config: Any) -> None:
        self._scene = scene
        self.name = name
        self.stream = f"KV_{name}"
        self.prefix = f"$KV.{name}."
        scene.say(f"> bucket {name}, history {history}{f' {json.dumps(config)}' if config else ''}")
        answer = scene.call(f"STREAM.CREATE.{self.stream}", bucket_config(name, history, **config))
        if "error" in answer:
            scene.say(f"= error {json.dumps(answer['error'], sort_keys=True)}")
            raise RowBroken
        self._config = answer["config"]

    # -- changes ----------------------------------------------------------------------------------

    def put(self, key: str, value: str, **headers: str) -> None:
        self._change("put", key, value, {name.replace("_", "-"): h for name, h in headers.items()})

    def create(self, key: str, value: str, ttl: str = "") -> None:
        """As clients do: a key that was deleted may be made again."""
        more = {TTL: ttl} if ttl else {}
        answer = self._change("create", key, value, {EXPECTED: "0", **more})
        if "error" not in answer:
            return
        found = self._last(key)
        if found.status is None and (OPERATION in _names(found) or MARKER in _names(found)):
            self._change("create again", key, value, {EXPECTED: _sequence(found), **more})

    def update(self, key: str, value: str, revision: int) -> None:
        self._change("update", key, value, {EXPECTED: str(revision)})

    def delete(self, key: str, revision: int = 0) -> None:
        more = {EXPECTED: str(revision)} if revision else {}
        self._change("delete", key, "", {OPERATION: "DEL", **more})

    def purge(self, key: str, revision: int = 0, ttl: str = "") -> None:
        more = {EXPECTED: str(revision)} if revision else {}
        more |= {TTL: ttl} if ttl else {}
        self._change("purge", key, "", {OPERATION: "PURGE", ROLLUP: "sub", **more})

    def _change(self, what: str, key: str, value: str, headers: dict[str, str]) -> dict[str, Any]:
        shown = f" {headers}" if headers else ""
        self._scene.say(f"> {what} {key} {json.dumps(value)}{shown}")
        answer = self._scene.ask(self.prefix + key, value, headers)
        if not answer.payload:
            self._scene.say(f"= {shown_message(answer)}")
            return {"error": answer.status}
        self._scene.say(f"= {shown_json(answer.payload)}")
        return dict(json.loads(answer.payload))

    def purge_deletes(self, keep: int = 0) -> None:
        """What clients do about keys that are deleted: their markers go, too, or stay."""
        self._scene.say(f"> purge deletes, keep {keep}")
        for message in self._now("purging", headers_only=True):
            if OPERATION in _names(message):
                request = {"filter": message.subject, **({"keep": keep} if keep else {})}
                answer = self._scene.call(f"STREAM.PURGE.{self.stream}", request)
                self._scene.say(f"= {message.subject}: {answer.get('purged', answer)}")

    # -- reading ----------------------------------------------------------------------------------

    def get(self, key: str, revision: int = 0) -> None:
        """The newest value of a key, or that of a revision."""
        named = f" at {revision}" if revision else ""
        self._scene.say(f"> get {key}{named}")
        if revision:
            answer = self._scene.ask(f"$JS.API.DIRECT.GET.{self.stream}", {"seq": revision})
        else:
            answer = self._last(key)
        self._scene.say(f"= {shown_message(answer)}")

    def _last(self, key: str) -> Message:
        return self._scene.ask(f"$JS.API.DIRECT.GET.{self.stream}.{self.prefix}{key}")

    def get_by_api(self, key: str) -> None:
        """The way of buckets without direct gets."""
        self._scene.api(f"STREAM.MSG.GET.{self.stream}", {"last_by_subj": self.prefix + key})

    def history(self, key: str) -> None:
        self._scene.say(f"> history of {key}")
        for message in self._now("history", [key], history=True):
            self._scene.say(f"= {shown_message(message)}")

    def keys(self, *filters: str) -> None:
        """The keys that are not deleted."""
        self._scene.say(f"> keys {' '.join(filters)}".rstrip())
        found = [
            message.subject.removeprefix(self.prefix)
            for message in self._now("keys", filters or [">"], headers_only=True)
            if OPERATION not in _names(message) and MARKER not in _names(message)
        ]
        self._scene.say(f"= {' '.join(sorted(found)) or 'none'}")

    def status(self) -> None:
        """What clients tell of a bucket."""
        self._scene.say("> status")
        info = self._scene.call(f"STREAM.INFO.{self.stream}", {"subjects_filter": ">"})
        names = ("messages", "bytes", "first_seq", "last_seq", "num_subjects", "num_deleted")
        state = {name: info["state"].get(name) for name in names}
        config = {
            name: info["config"].get(name)
            for name in (
                "max_msgs_per_subject", "max_age", "storage", "compression", "max_bytes",
                "max_msg_size", "deny_delete", "allow_rollup_hdrs", "subject_delete_marker_ttl",
            )
        }  # fmt: skip
        subjects = info["state"].get("subjects", {})
        self._scene.say(f"= {json.dumps(state)} {json.dumps(subjects, sort_keys=True)}")
        self._scene.say(f"= {json.dumps({name: v for name, v in config.items() if v is not None})}")

    # -- watching ---------------------------------------------------------------------------------

    def watch(
        self,
        name: str,
        *keys: str,
        history: bool = False,
        updates_only: bool = False,
        meta_only: bool = False,
        resume_from: int = 0,
    ) -> int:
        """Watch keys; what comes is the scene's receiver `name`. Returns how many values there
        are, which is also told."""
        policy: dict[str, Any] = {"deliver_policy": "last_per_subject"}
        if resume_from:
            policy = {"deliver_policy": "by_start_sequence", "opt_start_seq": resume_from}
        elif updates_only:
            policy = {"deliver_policy": "new"}
        elif history:
            policy = {"deliver_policy": "all"}
        self._scene.listen(f"watch.{name}", name)
        self._scene.say(f"> {name}: watch {' '.join(keys) or '>'} {json.dumps(policy)}")
        answer = self._consumer(name, keys or (">",), policy, meta_only)
        if "error" in answer:
            self._scene.say(f"= error {json.dumps(answer['error'], sort_keys=True)}")
            raise RowBroken
        pending: int = answer["num_pending"] + answer["delivered"]["consumer_seq"]
        self._scene.say(f"= {pending} to come")
        return pending

    def stop(self, name: str) -> None:
        """End a watch."""
        self._scene.leave(name)
        self._scene.call(f"CONSUMER.DELETE.{self.stream}.{name}")

    def _consumer(
        self, name: str, keys: Sequence[str], policy: dict[str, Any], headers_only: bool
    ) -> dict[str, Any]:
        subjects = [self.prefix + key for key in keys]
        filters = (
            {"filter_subject": subjects[0]} if len(subjects) == 1 else {"filter_subjects": subjects}
        )
        config = {
            "name": name, "deliver_subject": f"watch.{name}", "ack_policy": "none",
            "max_deliver": 1, "mem_storage": True, "num_replicas": 1, "flow_control": True,
            "idle_heartbeat": MINUTE, "inactive_threshold": 5 * MINUTE, "ack_wait": 22 * HOUR,
            "headers_only": headers_only, **policy, **filters,
        }  # fmt: skip
        request = {"stream_name": self.stream, "config": config, "action": "create"}
        one = f".{subjects[0]}" if len(subjects) == 1 else ""
        return self._scene.call(f"CONSUMER.CREATE.{self.stream}.{name}{one}", request)

    def _now(
        self,
        name: str,
        keys: Sequence[str] = (">",),
        history: bool = False,
        headers_only: bool = False,
    ) -> list[Message]:
        """What a watcher gets at once."""
        client = self._scene.client
        sid = client.subscribe(f"watch.{name}")
        policy = {"deliver_policy": "all" if history else "last_per_subject"}
        answer = self._consumer(name, keys, policy, headers_only)
        found: list[Message] = []
        left = answer["num_pending"] + answer["delivered"]["consumer_seq"]
        while len(found) < left:
            message = client.next(sid)
            if message is None:
                self._scene.say(f"! {len(found)} of {left} came")
                raise RowBroken
            if message.status is None:
                found.append(message)
        client.unsubscribe(sid)
        self._scene.call(f"CONSUMER.DELETE.{self.stream}.{name}")
        return found

    def until_gone(self, key: str) -> None:
        """Wait until nothing is stored of a key."""
        request = {"subjects_filter": self.prefix + key}
        self._scene.wait_for(
            f"{key} is gone",
            lambda: (
                not self._scene.call(f"STREAM.INFO.{self.stream}", request)["state"].get("subjects")
            ),
        )


def _names(message: Message) -> set[str]:
    lines = message.headers.decode("latin-1").split("\r\n")[1:]
    return {line.partition(":")[0] for line in lines}


def _sequence(message: Message) -> str:
    for line in message.headers.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(": ")
        if name == "Nats-Sequence":
            return value
    raise RowBroken
