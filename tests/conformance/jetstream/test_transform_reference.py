"""Our transforms refuse what the real server refuses, and give the subjects that it stores."""

from __future__ import annotations

from random import Random

import pytest
from pynats_server.subjects.transform import SubjectTransform, TransformError

from tests.conformance.jetstream.transform_rows import APPLIED, COMPILED, STRICT
from tests.support.oracle import Oracle
from tests.support.process import REFERENCE, ServerFailed, ServerProcess

pytestmark = pytest.mark.reference
PREFIX = {10155: "stream transform source: ", 10156: "stream transform: "}


def test_the_same_pairs_are_refused_with_the_same_texts(oracle: Oracle) -> None:
    differences = []
    for src, dest in COMPILED + [(src, dest) for src, dest, _ in APPLIED]:
        answer = oracle.create("S", subjects=["x"], subject_transform={"src": src, "dest": dest})
        oracle.api("STREAM.DELETE.S")
        error = answer.get("error")
        theirs = (error["err_code"], error["description"]) if error else None
        try:
            SubjectTransform.compile(src, dest)
            ours = None
        except TransformError as refused:
            code = 10155 if refused.in_source else 10156
            ours = (code, PREFIX[code] + str(refused))
        if ours != theirs:
            differences.append((src, dest, ours, theirs))
    assert not differences


def test_subjects_become_the_same(oracle: Oracle) -> None:
    differences = []
    for src, dest, subjects in APPLIED:
        transform = SubjectTransform.compile(src, dest)
        answer = oracle.create(
            "S", subjects=subjects.split(), subject_transform={"src": src, "dest": dest}
        )
        assert "error" not in answer, answer
        for subject in subjects.split():
            ack = oracle.publish(subject)
            theirs = oracle.message("S", ack["seq"])["subject"]
            result = transform.apply(subject.encode())
            # JSON of the API replaces what is not UTF-8.
            ours = (subject.encode() if result is None else result).decode(errors="replace")
            if ours != theirs:
                differences.append((src, dest, subject, ours, theirs))
        oracle.api("STREAM.DELETE.S")
    assert not differences


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


def test_random_pairs(oracle: Oracle) -> None:
    random = Random(7)
    differences = []
    for _ in range(600):
        src, dest, subject = random_pair(random)
        answer = oracle.create(
            "S", subjects=[subject], subject_transform={"src": src, "dest": dest}
        )
        theirs = answer.get("error", {}).get("description")
        if theirs is None:
            theirs = oracle.message("S", oracle.publish(subject)["seq"])["subject"]
            oracle.api("STREAM.DELETE.S")
        try:
            result = SubjectTransform.compile(src, dest).apply(subject)
            ours = subject if result is None else result
        except TransformError as refused:
            ours = PREFIX[10156] + str(refused)
        if ours != theirs:
            differences.append((src, dest, subject, ours, theirs))
    assert not differences


def test_random_stays_in_its_range(oracle: Oracle) -> None:
    for sides in (3, 1, 0, -1, -5):
        dest = f"x.{{{{random({sides})}}}}"
        transform = SubjectTransform.compile("r", dest)
        oracle.create("S", subjects=["r"], subject_transform={"src": "r", "dest": dest})
        allowed = {f"x.{side}" for side in range(max(1, abs(sides)))}
        theirs = set()
        for _ in range(50):
            theirs.add(oracle.message("S", oracle.publish("r")["seq"])["subject"])
        assert theirs <= allowed
        assert {transform.apply("r") for _ in range(500)} == allowed
        oracle.api("STREAM.DELETE.S")


@pytest.mark.parametrize(("src", "dest"), STRICT)
def test_strict_pairs_are_refused_like_imports(
    tmp_path_factory: pytest.TempPathFactory, src: str, dest: str
) -> None:
    folder = tmp_path_factory.mktemp("import")
    config = f"""accounts {{
        A {{ exports: [ {{ stream: "{src}" }} ] }}
        B {{ imports: [ {{ stream: {{ account: A, subject: "{src}" }}, to: "{dest}" }} ] }}
    }}"""
    theirs = ""
    try:
        with ServerProcess(REFERENCE, folder, config):
            pass
    except ServerFailed as failed:
        theirs = str(failed)
    try:
        SubjectTransform.compile(src, dest, strict=True)
    except TransformError as refused:
        assert str(refused) in theirs
    else:
        assert not theirs
