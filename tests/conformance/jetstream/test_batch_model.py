"""Atomicity as a property: whatever is published in whatever order, a model predicts each answer,
and the stream holds the committed batches, each in one piece, and nothing else."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.jetstream.reference import KEEPER
from tests.support.client import Client, header_block
from tests.support.fuzzing import examples
from tests.support.process import PYNATS, REFERENCE, ServerProcess

NUMBERS = itertools.count()
IDS = ("a", "b", "c")


@dataclass(frozen=True)
class Step:
    """A message; `batch` is empty for a plain one. `skew` is added to the right sequence."""

    batch: str
    skew: int
    commit: str | None
    subject: int
    expected: int | None  # Nats-Expected-Last-Sequence relative to the right one


STEPS = st.builds(
    Step,
    st.sampled_from([*IDS, *IDS, ""]),
    st.sampled_from([0] * 12 + [1, -1]),
    st.sampled_from([None] * 6 + ["1", "1", "eob", "0"]),
    st.integers(0, 3),
    st.sampled_from([None] * 8 + [0, 1]),
)


@dataclass
class Model:
    """What a stream with atomic batches does."""

    stored: list[bytes] = field(default_factory=list)
    open: dict[str, list[tuple[bytes, int | None]]] = field(default_factory=dict)

    def sequence(self, step: Step) -> int:
        return len(self.open.get(step.batch, [])) + 1 + step.skew

    def expected(self, step: Step) -> int | None:
        return None if step.expected is None else len(self.stored) + step.expected

    def publish(self, step: Step, payload: bytes, sequence: int, expected: int | None) -> Any:
        """The answer: an err_code, or (sequence, batch size or None), or None for an empty one."""
        if not step.batch:
            if expected is not None and expected != len(self.stored):
                return 10071
            self.stored.append(payload)
            return len(self.stored), None
        if step.batch not in self.open:
            if sequence == 0 and step.commit == "eob":
                return 10199  # a batch of -1
            if sequence != 1:
                return 10176
            self.open[step.batch] = []
        staged = self.open[step.batch]
        if step.commit not in (None, "1", "eob"):
            del self.open[step.batch]
            return 10200
        if sequence != len(staged) + 1 or (sequence == 1 and step.commit == "eob"):
            del self.open[step.batch]
            return 10176
        if step.commit != "eob":
            staged.append((payload, expected))
        if step.commit is None:
            return None
        del self.open[step.batch]
        for place, (_, wanted) in enumerate(staged):
            if wanted is not None and wanted != len(self.stored) + place:
                return 10071
            if wanted is not None and place:
                return 10164
        self.stored += [payload for payload, _ in staged]
        return len(self.stored), len(staged)


# The model is what the reference does: in `make reference` it has to agree, too.
@pytest.fixture(
    scope="module", params=[PYNATS, pytest.param(REFERENCE, marks=pytest.mark.reference)]
)
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    folder: Path = tmp_path_factory.mktemp("model")
    flags = ("-js", "-sd", str(folder / "store"))
    with ServerProcess(request.param, folder, flags=flags) as server, Client(server.port) as made:
        api(made, "STREAM.CREATE.KEEPER", KEEPER)
        yield made


def api(client: Client, subject: str, request: Any) -> Any:
    reply = client.request(f"$JS.API.{subject}", json.dumps(request).encode())
    assert reply is not None
    return json.loads(reply.payload)


def answer(payload: bytes) -> Any:
    if not payload:
        return None
    said = json.loads(payload)
    if "error" in said:
        return said["error"]["err_code"]
    return said["seq"], said.get("count")


@pytest.mark.parametrize("storage", ["file", "memory"])
@settings(
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, max_size=40))
def test_batches_are_whole_or_not_there(client: Client, storage: str, steps: list[Step]) -> None:
    name = f"M{next(NUMBERS)}"
    config = {"name": name, "subjects": [f"{name}.>"], "allow_atomic": True, "storage": storage}
    created = api(client, f"STREAM.CREATE.{name}", config)
    assert created.get("did_create"), created
    model = Model()
    for number, step in enumerate(steps):
        headers: dict[str, str] = {}
        sequence, expected = model.sequence(step), model.expected(step)
        if step.batch:
            headers = {"Nats-Batch-Id": step.batch, "Nats-Batch-Sequence": str(sequence)}
            if step.commit is not None:
                headers["Nats-Batch-Commit"] = step.commit
        if expected is not None:
            headers["Nats-Expected-Last-Sequence"] = str(expected)
        payload = b"%d" % number
        predicted = model.publish(step, payload, sequence, expected)
        block = header_block(headers) if headers else b""
        reply = client.request(f"{name}.{step.subject}", payload, block)
        assert reply is not None
        assert answer(reply.payload) == predicted, (number, step)
        state = api(client, f"STREAM.INFO.{name}", {})["state"]
        assert state["last_seq"] == len(model.stored)
    for seq, payload in enumerate(model.stored, 1):
        found = api(client, f"STREAM.MSG.GET.{name}", {"seq": seq})["message"]
        assert found["data"] == base64.b64encode(payload).decode()
    assert api(client, f"STREAM.INFO.{name}", {})["state"]["messages"] == len(model.stored)
    client.request(f"$JS.API.STREAM.DELETE.{name}")
