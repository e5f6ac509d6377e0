"""Claims that are pushed one after the other lead to where the last ones lead alone: whatever was
in force before leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.jwt.tokens import ISSUED, Claims
from tests.support.claim_chains import (
    LOGINS,
    NAMES,
    claims_of,
    key,
    limits,
    permit,
    revoked,
    scope,
    serving,
    signer,
)
from tests.support.fuzzing import examples

FAR = 4_000_000_000
BEFORE, AFTER = ISSUED - 5, ISSUED + 5  # the users' JWTs, and the activation JWTs


def _export(subject: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": subject, "subject": subject, "type": kind, **more}


EXPORTS = (
    _export("e.>", "stream"), _export("e.1", "stream"), _export("e.*", "stream"),
    _export("p.>", "stream", token_req=True), _export("p.1", "stream", token_req=True),
    _export("p.>", "stream"),
    _export("p.>", "stream", token_req=True, revocations={"*": AFTER}),
    _export("p.>", "stream", token_req=True, revocations={"*": BEFORE}),
    _export("p.>", "stream", token_req=True, revocations={key("B").public_key: AFTER}),
    _export("t.*", "stream", account_token_position=2),
    _export("svc.>", "service"), _export("svc.1", "service", response_type="Stream"),
    _export("svc.*", "service", response_threshold=60_000_000_000),
    _export("q", "service"), _export("q", "service", token_req=True),
    _export("loc.1", "service"), _export("m.1", "stream"),
)  # fmt: skip


def _imports(importer: str, exporter: str) -> list[dict[str, Any]]:
    def item(subject: str, kind: str, **more: Any) -> dict[str, Any]:
        source = key(exporter).public_key
        return {"name": subject, "subject": subject, "account": source, "type": kind, **more}

    return [
        item("e.>", "stream"), item("e.1", "stream"), item("e.>", "stream", local_subject="my.>"),
        item("e.2", "stream", local_subject="e.1"), item("m.1", "stream"),
        item("p.>", "stream"), item("p.1", "stream", allow_trace=True),
        *(
            item("p.>", "stream", token=permit(importer, exporter, "p.>", "stream", by_signer))
            for by_signer in (False, True)
        ),
        item(f"t.{key(importer).public_key}", "stream"),
        item("svc.>", "service"), item("svc.1", "service"), item("svc.1", "service", share=True),
        item("svc.1", "service", local_subject="loc.1"),
        item("svc.>", "service", local_subject="loc.>"),
        item("q", "service"),
        item("q", "service", token=permit(importer, exporter, "q", "service", False)),
    ]  # fmt: skip


MAPPINGS = (
    {"m.1": [{"subject": "e.1"}]}, {"m.*": [{"subject": "e.$1"}]}, {"e.1": [{"subject": "e.2"}]},
    {"svc.1": [{"subject": "other"}]}, {"m.1": [{"subject": "e.1", "weight": 100}]},
    {"m.1": [{"subject": "e.1", "weight": 150}]}, {"loc.1": [{"subject": "svc.2"}]},
)  # fmt: skip
PERMISSIONS = (
    {"pub": {"allow": ["e.>", "in.>", "$SYS.REQ.USER.INFO"]}}, {"sub": {"deny": ["p.>"]}},
    {"pub": {"deny": ["other"]}, "sub": {"allow": [">"]}}, {"sub": {"allow": ["e.>", "in.>"]}},
    {"pub": {"allow": ["none"]}, "resp": {"max": 2, "ttl": 60_000_000_000}},
)  # fmt: skip
TEMPLATES: tuple[dict[str, Any], ...] = (
    {}, {"pub": {"allow": ["e.>"]}}, {"subs": 2}, {"payload": 10}, {"bearer_token": True},
    {"sub": {"deny": ["p.1"]}, "src": ["10.0.0.0/8"]},
)  # fmt: skip
LIMITS = {
    "conn": [0, 1, 2, 3], "subs": [0, 1, 2, 5], "payload": [0, 10, 100], "exports": [0, 1],
    "imports": [0, 1], "wildcards": [False], "disallow_bearer": [True],
}  # fmt: skip


FEATURES = (
    "limits", "mappings", "default_permissions", "revocations", "signing_keys", "tags", "times",
)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn, name: str, features: frozenset[str]) -> dict[str, Any]:
    """What an account's JWT says, of what the example is about."""
    body: dict[str, Any] = {}

    def has(feature: str) -> bool:
        return feature in features and draw(st.booleans())

    if has("limits"):
        few = draw(st.lists(st.sampled_from(sorted(LIMITS)), max_size=2, unique=True))
        body["limits"] = limits(**{each: draw(st.sampled_from(LIMITS[each])) for each in few})
    if name != "C":
        body["exports"] = draw(
            st.lists(st.sampled_from(EXPORTS), max_size=5, unique_by=lambda each: each["name"])
        )
    of = NAMES[: NAMES.index(name)]
    if of:
        offered = [each for exporter in of for each in _imports(name, exporter)]
        body["imports"] = draw(
            st.lists(
                st.sampled_from(offered), max_size=6, unique_by=lambda each: (
                    each["account"], each.get("local_subject", each["subject"])),
            )
        )  # fmt: skip
    if has("mappings"):
        body["mappings"] = draw(st.sampled_from(MAPPINGS))
    if has("default_permissions"):
        body["default_permissions"] = draw(st.sampled_from(PERMISSIONS))
    if has("revocations"):
        whom = ["*", *(revoked(name, login) for login in LOGINS)]
        body["revocations"] = draw(
            st.dictionaries(st.sampled_from(whom), st.sampled_from([BEFORE, AFTER]), max_size=2)
        )
    if has("signing_keys"):
        keys = [signer(name).public_key] if draw(st.booleans()) else []
        scopes = [scope(name, **draw(st.sampled_from(TEMPLATES)))] if draw(st.booleans()) else []
        body["signing_keys"] = [*keys, *scopes]
    if has("tags"):
        body["tags"] = draw(st.lists(st.sampled_from(["a", "b:c"]), max_size=2, unique=True))
    return body


@st.composite
def pushes(draw: st.DrawFn, features: frozenset[str]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """An account, what it says, and claims beside that."""
    name = draw(st.sampled_from(NAMES))
    top: dict[str, Any] = {}
    if "times" in features:
        top = draw(st.sampled_from([{}, {}, {}, {"exp": FAR}, {"exp": ISSUED + 1}, {"nbf": FAR}]))
    if "tags" in features and draw(st.booleans()):
        top = {**top, "name": f"{name} 2"}
    return name, draw(bodies(name, features)), top


def differences(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """What is otherwise, as it is and as it should be."""
    return {
        name: (found.get(name), expected.get(name))
        for name in found.keys() | expected.keys()
        if found.get(name) != expected.get(name)
    }


def counts(claims: Claims) -> bool:
    """Whether claims hold today. Others, when they are pushed, leave in force what was."""
    return claims.get("exp", FAR) >= FAR and claims.get("nbf", 0) < FAR


@settings(max_examples=examples(8), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_chain_of_pushes_ends_where_the_last_claims_begin(
    tmp_path_factory: Any, data: st.DataObject
) -> None:
    folder: Path = tmp_path_factory.mktemp("claims") / "jwt"
    last = {name: claims_of(name) for name in NAMES}
    # Examples about a few things find more than those in which nearly everything is forbidden.
    features = data.draw(st.frozensets(st.sampled_from(FEATURES), max_size=3))
    with serving(folder, last) as live:
        live.behaviour()
        for age in range(1, 1 + data.draw(st.integers(1, 6))):
            name, body, top = data.draw(pushes(features))
            claims = claims_of(name, body, age, top)
            if live.push(claims) and counts(claims):
                last[name] = claims
            if not data.draw(st.integers(0, 2)):
                continue  # some are not even looked at
            with serving(None, last) as fresh:
                expected = fresh.behaviour()
            stayed = live.survivors()
            assert not set(stayed) & set(expected["standing"]), "somebody has stayed"
            assert differences(live.behaviour(), expected) == {}


def test_nothing_is_kept_of_services_that_nobody_imports(tmp_path: Path) -> None:
    exporting = claims_of("A", {"exports": [_export("svc.1", "service"), _export("q", "service")]})
    importing = [
        claims_of("B", {"imports": [each for each in _imports("B", "A") if each["name"] in names]})
        for names in (("q", "svc.1"), ("q",), ())
    ]
    for body in importing:  # each subject once
        found = {each["subject"]: each for each in body["nats"]["imports"] if "token" not in each}
        body["nats"]["imports"] = list(found.values())
    accounts = {"A": exporting, "B": importing[0], "C": claims_of("C")}
    with serving(tmp_path / "jwt", accounts) as live:
        live.behaviour()
        for age, claims in enumerate(importing):
            assert live.push({**claims, "iat": claims["iat"] + 1 + age})
            assert live.services_of("A") == sorted(
                each["subject"] for each in claims["nats"]["imports"]
            )
