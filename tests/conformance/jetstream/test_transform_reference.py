"""Our transforms refuse what the real server refuses, and give the subjects that it stores."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from pynats_server.subjects.transform import SubjectTransform, TransformError

from tests.conformance.jetstream.reference import Reference, ask_live
from tests.conformance.jetstream.transform_rows import APPLIED, COMPILED, STRICT
from tests.support.drawn import outcomes
from tests.support.oracle import Oracle
from tests.support.pool import ServerPool
from tests.support.process import REFERENCE, ServerFailed, ServerProcess
from tests.support.records import Recorded

PREFIX = {10155: "stream transform source: ", 10156: "stream transform: "}


def refused(answer: dict[str, Any]) -> list[Any] | None:
    error = answer.get("error")
    return [error["err_code"], error["description"]] if error else None


def test_the_same_pairs_are_refused_with_the_same_texts(reference: Reference) -> None:
    pairs = COMPILED + [(src, dest) for src, dest, _ in APPLIED]

    def ask(oracle: Oracle) -> list[Any]:
        found = []
        for src, dest in pairs:
            transform = {"src": src, "dest": dest}
            answer = oracle.create("S", subjects=["x"], subject_transform=transform)
            oracle.api("STREAM.DELETE.S")
            found.append([src, dest, refused(answer)])
        return found

    def ours(src: str, dest: str) -> list[Any] | None:
        try:
            SubjectTransform.compile(src, dest)
        except TransformError as error:
            code = 10155 if error.in_source else 10156
            return [code, PREFIX[code] + str(error)]
        return None

    mine = [[src, dest, ours(src, dest)] for src, dest in pairs]
    theirs = reference.of(ask)
    assert [pair for pair in zip(mine, theirs, strict=True) if pair[0] != pair[1]] == []


def test_subjects_become_the_same(reference: Reference) -> None:
    def ask(oracle: Oracle) -> list[Any]:
        found = []
        for src, dest, subjects in APPLIED:
            transform = {"src": src, "dest": dest}
            answer = oracle.create("S", subjects=subjects.split(), subject_transform=transform)
            assert "error" not in answer, answer
            for subject in subjects.split():
                stored = oracle.message("S", oracle.publish(subject)["seq"])["subject"]
                found.append([src, dest, subject, stored])
            oracle.api("STREAM.DELETE.S")
        return found

    mine = []
    for src, dest, subjects in APPLIED:
        transform = SubjectTransform.compile(src, dest)
        for subject in subjects.split():
            result = transform.apply(subject.encode())
            # JSON of the API replaces what is not UTF-8.
            ours = (subject.encode() if result is None else result).decode(errors="replace")
            mine.append([src, dest, subject, ours])
    theirs = reference.of(ask)
    assert [pair for pair in zip(mine, theirs, strict=True) if pair[0] != pair[1]] == []


def random_pair(random: Random) -> tuple[str, str, str]:
    """Source, destination and a subject that the source matches."""
    source, subject = [], []
    for _ in range(random.randint(1, 4)):
        token = "".join(random.choices("ab-x", k=random.randint(1, 6)))
        subject.append(token)
        source.append(random.choice([token, "*", "*"]))
    if random.random() < 0.2:
        source[-1] = ">"
        subject += ["tail", "end"][: random.randint(0, 2)]
    dest = []
    for _ in range(random.randint(1, 4)):
        function = random.choice(
            ["splitFromLeft", "splitfromright", "SliceFromLeft", "slicefromright", "Left", "right"]
        )
        index, size = random.randint(-1, 4), random.randint(-1, 5)
        dest.append(
            random.choice(
                [
                    "plain",
                    f"${index}",
                    f"{{{{Wildcard( {index})}}}}",
                    f"{{{{split({index},{random.choice(['-', 'a', 'ab', ''])})}}}}",
                    f"{{{{partition({size},{index})}}}}",
                    f"{{{{partition({size},1, {index} )}}}}",
                    f"{{{{partition({size})}}}}",
                    f"{{{{{function}({index},{size})}}}}",
                ]
            )
        )
    if source[-1] == ">" or random.random() < 0.05:
        dest.append(">")
    return ".".join(source), ".".join(dest), ".".join(subject)


def theirs_of(oracle: Oracle, src: str, dest: str, subject: str) -> str:
    """The subject of the message in the stream, or why there is no stream."""
    transform = {"src": src, "dest": dest}
    answer = oracle.create("S", subjects=[subject], subject_transform=transform)
    if "error" in answer:
        return str(answer["error"]["description"])
    stored = oracle.message("S", oracle.publish(subject)["seq"])["subject"]
    oracle.api("STREAM.DELETE.S")
    return str(stored)


def ours_of(src: str, dest: str, subject: str) -> str:
    try:
        result = SubjectTransform.compile(src, dest).apply(subject)
    except TransformError as error:
        return PREFIX[10156] + str(error)
    return subject if result is None else result


def test_random_pairs(reference: Reference) -> None:
    examples = outcomes(
        reference.recorded,
        lambda: [random_pair(random) for random in [Random(7)] for _ in range(600)],
        lambda pair: reference.asked(lambda oracle: theirs_of(oracle, *pair)),
    )
    assert len(examples) == 600
    differences = [
        (pair, ours, theirs) for pair, theirs in examples if (ours := ours_of(*pair)) != theirs
    ]
    assert not differences


@pytest.mark.reference
def test_new_random_pairs(reference_servers: ServerPool) -> None:
    random = Random()
    pairs = [random_pair(random) for _ in range(600)]
    theirs = ask_live(
        reference_servers, lambda oracle: [theirs_of(oracle, *pair) for pair in pairs]
    )
    differences = [
        (pair, ours, other)
        for pair, other in zip(pairs, theirs, strict=True)
        if (ours := ours_of(*pair)) != other
    ]
    assert not differences


RANDOM_SIDES = (3, 1, 0, -1, -5)


def allowed(sides: int) -> set[str]:
    """What `x.{{random(sides)}}` may become."""
    return {f"x.{side}" for side in range(max(1, abs(sides)))}


def random_dest(sides: int) -> str:
    return f"x.{{{{random({sides})}}}}"


def test_random_stays_in_its_range() -> None:
    for sides in RANDOM_SIDES:
        transform = SubjectTransform.compile("r", random_dest(sides))
        assert {transform.apply("r") for _ in range(500)} == allowed(sides)


@pytest.mark.reference
def test_random_of_the_real_server_stays_in_that_range(reference_servers: ServerPool) -> None:
    def drawn(oracle: Oracle, sides: int) -> set[str]:
        transform = {"src": "r", "dest": random_dest(sides)}
        oracle.create("S", subjects=["r"], subject_transform=transform)
        return {oracle.message("S", oracle.publish("r")["seq"])["subject"] for _ in range(50)}

    for sides in RANDOM_SIDES:
        found = ask_live(reference_servers, lambda oracle, sides=sides: drawn(oracle, sides))
        assert found <= allowed(sides)


@pytest.mark.parametrize(("src", "dest"), STRICT)
def test_strict_pairs_are_refused_like_imports(
    tmp_path: Path, recorded: Recorded, src: str, dest: str
) -> None:
    theirs = recorded.of(lambda: import_refusal(tmp_path, src, dest))
    try:
        SubjectTransform.compile(src, dest, strict=True)
    except TransformError as refused:
        assert str(refused) in theirs
    else:
        assert not theirs


def import_refusal(folder: Path, src: str, dest: str) -> str:
    """What the server says of an import with this mapping before it ends; nothing if it starts."""
    config = f"""accounts {{
        A {{ exports: [ {{ stream: "{src}" }} ] }}
        B {{ imports: [ {{ stream: {{ account: A, subject: "{src}" }}, to: "{dest}" }} ] }}
    }}"""
    try:
        with ServerProcess(REFERENCE, folder, config):
            return ""
    except ServerFailed as failed:
        return str(failed).replace(str(folder), "<folder>").partition("\n")[2].strip()
