"""An object store as ADR-20 has clients make it; each step is told to the scene."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from tests.conformance.consumers.scene import HOUR, RowBroken, Scene
from tests.conformance.consumers.showing import shown_json, shown_message
from tests.support.client import Message

MINUTE = HOUR // 60
ROLLUP = {"Nats-Rollup": "sub"}
CHUNK = 1000


class ObjectStore:
    """One store. Objects have ids in the order of their making: id1, id2, …"""

    def __init__(self, scene: Scene, name: str = "B", **config: Any) -> None:
        self._scene = scene
        self.name = name
        self.stream = f"OBJ_{name}"
        self._made = 0
        self._config = {
            "name": self.stream,
            "subjects": [f"$O.{name}.C.>", f"$O.{name}.M.>"],
            "discard": "new",
            "allow_rollup_hdrs": True,
            "allow_direct": True,
            **config,
        }
        scene.say(f"> store {name}{f' {json.dumps(config)}' if config else ''}")
        answer = scene.call(f"STREAM.CREATE.{self.stream}", self._config)
        if "error" in answer:
            scene.say(f"= error {json.dumps(answer['error'], sort_keys=True)}")
            raise RowBroken

    # -- changes ----------------------------------------------------------------------------------

    def put(self, name: str, content: bytes, **more: Any) -> None:
        """Chunks under a new id, the meta in the place of the old one, the old chunks away."""
        self._scene.say(f"> put {name}, {len(content)} bytes {json.dumps(more) if more else ''}")
        before = self.find(name)
        self._made += 1
        nuid = f"id{self._made}"
        chunks = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]
        for chunk in chunks:
            answer = json.loads(self._scene.ask(self.chunks(nuid), chunk).payload)
            if "error" in answer:
                self._scene.say(f"= {shown_json(json.dumps(answer).encode())}")
                return
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
        self._meta(
            name,
            {
                "name": name, "bucket": self.name, "nuid": nuid, "size": len(content),
                "chunks": len(chunks), "digest": f"SHA-256={digest}", **more,
            },
        )  # fmt: skip
        if before is not None and not before.get("deleted"):
            self._purge(self.chunks(before["nuid"]))

    def delete(self, name: str) -> None:
        self._scene.say(f"> delete {name}")
        found = self.find(name)
        if found is None:
            self._scene.say("= no such object")
            return
        self._meta(name, {**found, "size": 0, "chunks": 0, "digest": "", "deleted": True})
        self._purge(self.chunks(found["nuid"]))

    def rename(self, name: str, other: str) -> None:
        """The meta moves, the chunks stay."""
        self._scene.say(f"> rename {name} to {other}")
        found = self.find(name)
        self._meta(other, {**(found or {}), "name": other})
        self._purge(self.meta(name))

    def link(self, name: str, bucket: str, target: str = "") -> None:
        """A name for another object, or for a whole bucket."""
        self._scene.say(f"> link {name} to {bucket} {target}".rstrip())
        self._made += 1
        to = {"bucket": bucket, **({"name": target} if target else {})}
        self._meta(
            name,
            {
                "name": name, "bucket": self.name, "nuid": f"id{self._made}",
                "options": {"link": to},
            },
        )  # fmt: skip

    def seal(self) -> None:
        self._scene.say("> seal")
        config = {**self._config, "sealed": True}
        answer = self._scene.call(f"STREAM.UPDATE.{self.stream}", config)
        told = answer.get("error") or {
            name: answer["config"].get(name)
            for name in ("sealed", "deny_delete", "deny_purge", "allow_rollup_hdrs", "discard")
        }
        self._scene.say(f"= {json.dumps(told, sort_keys=True)}")

    def _meta(self, name: str, meta: dict[str, Any]) -> None:
        answer = self._scene.ask(self.meta(name), meta, ROLLUP)
        self._scene.say(f"= {shown_json(answer.payload)}")

    def _purge(self, subject: str) -> None:
        answer = self._scene.call(f"STREAM.PURGE.{self.stream}", {"filter": subject})
        self._scene.say(f"= purge {subject}: {json.dumps(answer.get('error', answer['purged']))}")

    # -- reading ----------------------------------------------------------------------------------

    def chunks(self, nuid: str) -> str:
        return f"$O.{self.name}.C.{nuid}"

    def meta(self, name: str) -> str:
        return f"$O.{self.name}.M.{base64.urlsafe_b64encode(name.encode()).decode()}"

    def find(self, name: str) -> dict[str, Any] | None:
        """What is known of an object, not told."""
        answer = self._scene.ask(f"$JS.API.DIRECT.GET.{self.stream}.{self.meta(name)}")
        return None if answer.status else dict(json.loads(answer.payload))

    def get(self, name: str) -> None:
        """An object's content, and whether it has the digest that it should have; links are
        followed."""
        self._scene.say(f"> get {name}")
        found = self.find(name)
        if found is None or found.get("deleted"):
            self._scene.say(f"= no such object {json.dumps(found)}")
            return
        self._scene.say(f"= {json.dumps(found, sort_keys=True)}")
        if found.get("options", {}).get("link"):
            return
        sid, left = self.reading(found["nuid"], "reading")
        content = b""
        while left:
            message = self.next(sid)
            content += message.payload
            left -= 1
            assert int(message.reply.rsplit(".", 1)[1]) == left
        self._scene.client.unsubscribe(sid)
        self._scene.call(f"CONSUMER.DELETE.{self.stream}.reading")
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
        is_whole = found["digest"] == f"SHA-256={digest}"
        self._scene.say(f"= {len(content)} bytes, {'whole' if is_whole else 'damaged'}")

    def reading(self, nuid: str, name: str) -> tuple[int, int]:
        """An ordered consumer of an object's chunks; how many there are."""
        sid = self._scene.client.subscribe(f"chunks.{name}")
        config = {
            "name": name, "deliver_subject": f"chunks.{name}", "ack_policy": "none",
            "max_deliver": 1, "mem_storage": True, "num_replicas": 1, "flow_control": True,
            "idle_heartbeat": MINUTE, "filter_subject": self.chunks(nuid),
        }  # fmt: skip
        answer = self._scene.call(
            f"CONSUMER.CREATE.{self.stream}.{name}.{self.chunks(nuid)}",
            {"stream_name": self.stream, "config": config},
        )
        return sid, answer["num_pending"] + answer["delivered"]["consumer_seq"]

    def next(self, sid: int) -> Message:
        """The next chunk; flow control is answered."""
        while True:
            message = self._scene.client.next(sid)
            if message is None:
                self._scene.say("! no more chunks came")
                raise RowBroken
            if message.status is None:
                return message
            if message.reply:
                self._scene.client.publish(message.reply, b"")

    def watch(self, name: str, policy: str = "last_per_subject") -> None:
        """Watch the metas; what comes is the scene's receiver `name`."""
        self._scene.listen(f"watch.{name}", name)
        config = {
            "name": name, "deliver_subject": f"watch.{name}", "ack_policy": "none",
            "max_deliver": 1, "mem_storage": True, "num_replicas": 1, "flow_control": True,
            "idle_heartbeat": MINUTE, "deliver_policy": policy,
            "filter_subject": f"$O.{self.name}.M.>",
        }  # fmt: skip
        self._scene.say(f"> {name}: watch, {policy}")
        answer = self._scene.call(
            f"CONSUMER.CREATE.{self.stream}.{name}", {"stream_name": self.stream, "config": config}
        )
        if "error" in answer:
            self._scene.say(f"= error {json.dumps(answer['error'], sort_keys=True)}")
            return
        pending = answer["num_pending"] + answer["delivered"]["consumer_seq"]
        self._scene.say(f"= {pending} to come")

    def take(self, name: str, count: int = 1) -> None:
        """The metas that a watcher gets."""
        for _ in range(count):
            message = self._scene.take_quietly(name)
            meta = json.loads(message.payload)
            told = {key: meta[key] for key in ("name", "nuid", "size", "deleted") if key in meta}
            left = message.reply.rsplit(".", 1)[1]
            headers = "" if not message.headers else f" {shown_message(message)[:20]}"
            self._scene.say(f"{name} < {json.dumps(told)}, {left} left{headers}")

    def status(self) -> None:
        self._scene.say("> status")
        info = self._scene.call(f"STREAM.INFO.{self.stream}", {"subjects_filter": ">"})
        names = ("messages", "bytes", "first_seq", "last_seq", "num_subjects", "num_deleted")
        state = {name: info["state"].get(name) for name in names}
        subjects = info["state"].get("subjects", {})
        self._scene.say(f"= {json.dumps(state)} {json.dumps(subjects, sort_keys=True)}")
        self._scene.say(f"= sealed {info['config'].get('sealed', False)}")
