"""What each release changes for those who already run one: a rule for each change.

Facts of the release notes of the original; those that can be seen in a deployment are looked for,
the rest are notes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pynats_common.subjects import subject_matches

from pynats_cli.servers.upgrade.acks import left_out
from pynats_cli.servers.upgrade.facts import Facts, Grant, Source

BREAKS, WARNING, NOTE = "breaks", "warning", "note"
MAX_CONSUMERS = 1000
_NEAR = 0.8
Version = tuple[int, int, int]


@dataclass(frozen=True)
class Finding:
    """One thing that a release changes here."""

    severity: str
    rule: str
    version: str
    place: str
    message: str
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        shown = {
            "severity": self.severity, "rule": self.rule, "version": self.version,
            "place": self.place, "message": self.message,
        }  # fmt: skip
        return {**shown, "remedy": self.remedy} if self.remedy else shown


Found = tuple[str, str, str, str]  # severity, place, message, remedy


@dataclass(frozen=True)
class Rule:
    """`since` is the release that changes it."""

    name: str
    since: Version
    check: Callable[[Facts], Iterator[Found]]


def parse_version(text: str) -> Version:
    """`2.15`, `v2.15.1`, `2.16.0-dev`. Raises ValueError."""
    numbers = text.strip().removeprefix("v").partition("-")[0].split(".")
    if not 2 <= len(numbers) <= 3 or not all(part.isdecimal() for part in numbers):
        raise ValueError(f'"{text}" is no version such as 2.15')
    major, minor, *patch = map(int, numbers)
    return (major, minor, patch[0] if patch else 0)


def judge(facts: Facts, now: Version | None, target: Version) -> list[Finding]:
    """What changes between two releases; all up to the target if it is not known what runs."""
    found = []
    for rule in RULES:
        if rule.since > target or (now is not None and rule.since <= now):
            continue
        version = ".".join(map(str, rule.since[: 3 if rule.since[2] else 2]))
        found += [
            Finding(severity, rule.name, version, place, message, remedy)
            for severity, place, message, remedy in rule.check(facts)
        ]
    order = (BREAKS, WARNING, NOTE)
    return sorted(found, key=lambda each: order.index(each.severity))


# -- 2.11 ---------------------------------------------------------------------------------


def _spaces_in_names(facts: Facts) -> Iterator[Found]:
    for source in facts.sources:
        for path in ("server_name", "cluster.name", "gateway.name"):
            found = source.setting(path)
            if found is not None and " " in str(found.value):
                message = f'{path} "{found.value}" has a space: the server does not start'
                yield BREAKS, found.place, message, "take a name without spaces"


def _ingest_limit(facts: Facts) -> Iterator[Found]:
    if facts.setting("jetstream.max_buffered_msgs") is None:
        yield (
            NOTE, "", "publishers that do not wait for acknowledgements may be refused (429) when "
            "a stream has 10,000 messages waiting", "jetstream { max_buffered_msgs: … }",
        )  # fmt: skip


# -- 2.12 ---------------------------------------------------------------------------------


def _strict(facts: Facts) -> Iterator[Found]:
    found = facts.setting("jetstream.strict")
    if found is None:
        yield (
            NOTE, "", "JetStream requests with unknown fields are refused; an older server logs "
            "them as \"Invalid JetStream request\"", "jetstream { strict: false } for a while",
        )  # fmt: skip


# -- 2.14 ---------------------------------------------------------------------------------


def _templates(facts: Facts) -> Iterator[Found]:
    for source in facts.sources:
        for grant in source.grants:
            for subject in grant.subjects:
                if subject.startswith("$JS.API.STREAM.TEMPLATE"):
                    message = f"{grant.who}: stream templates are gone ({subject})"
                    yield WARNING, grant.place, message, "remove the permission"


# -- 2.15 ---------------------------------------------------------------------------------


def _consumers(facts: Facts) -> Iterator[Found]:
    live, setting = facts.live, facts.setting("jetstream.limits.default_max_consumers")
    limit = MAX_CONSUMERS
    if setting is not None and isinstance(setting.value, int) and setting.value:
        limit = setting.value
    if live is None or live.account_max_consumers > 0 or limit < 0:
        return
    for info in live.streams:
        name, own = info["config"]["name"], info["config"].get("max_consumers") or -1
        count = int(info["state"].get("consumer_count") or 0)
        if own > 0 or count < limit * _NEAR:
            continue
        severity = BREAKS if count >= limit else WARNING
        verb = "no further ones are" if count >= limit else "soon no further ones are"
        yield (
            severity, f"{live.name} stream {name}",
            f"{count} consumers, and {limit} are the default limit of a stream: {verb} possible",
            f"pynats stream edit {name} --max-consumers N, or jetstream {{ limits {{ "
            "default_max_consumers: -1 } }",
        )  # fmt: skip


def _leaf_advertise(facts: Facts) -> Iterator[Found]:
    for source in facts.sources:
        found = source.setting("leafnodes.no_advertise")
        if found is not None and found.value is True:
            yield (
                WARNING, found.place, "leafnodes.no_advertise leaves out this server's own "
                "listener, too: leaf nodes know only the URLs that they are configured with",
                "name all servers in the remotes' urls",
            )  # fmt: skip


def _leaf_isolation(facts: Facts) -> Iterator[Found]:
    for source in facts.sources:
        for found in source.settings:
            last = found.path.rpartition(".")[2]
            isolates = last in ("isolate_leafnode_interest", "isolate", "request_isolation")
            if isolates and found.path.startswith("leafnodes") and found.value is True:
                yield (
                    WARNING, found.place, f"{last} now holds between the servers of a cluster, "
                    "too: leaf nodes that met there do no longer", "",
                )  # fmt: skip


def _from_older(facts: Facts) -> Iterator[Found]:
    live = facts.live
    if live is None or not live.version or not live.clustered:
        return
    now = parse_version(live.version)
    if now < (2, 14, 7):
        yield (
            WARNING, live.name, f"{live.version} does not know the desired state of 2.15: streams "
            "that are scaled or moved during the upgrade wait for its end",
            "upgrade to 2.14.7 or newer first",
        )  # fmt: skip
    if now < (2, 14, 0):
        yield (
            BREAKS, live.name, f"{live.version} cannot read deletions of ranges, which 2.15 "
            "proposes while both run in one cluster",
            "upgrade to 2.14 first, or feature_flags { js_raft_delete_range: false }",
        )  # fmt: skip


def _mappings_of_claims(facts: Facts) -> Iterator[Found]:
    for source in facts.sources:
        for place, message in source.problems:
            yield BREAKS, place, f"{message}: the account is refused", "correct the mapping"


def _archives(facts: Facts) -> Iterator[Found]:
    yield (
        NOTE, "", "backups have a new format (stream.arc.s2), which older tools cannot restore",
        "upgrade the tools before the servers",
    )  # fmt: skip


# -- 2.16 ---------------------------------------------------------------------------------


def _ack_subjects(facts: Facts) -> Iterator[Found]:
    for source in facts.sources:
        flag = source.setting("feature_flags.js_ack_fc_v2")
        pinned = flag is not None and flag.value is False
        severity = WARNING if pinned else BREAKS
        for place, message, wanted in _left_out(source):
            end = " (js_ack_fc_v2 is off here: for as long as that is)" if pinned else ""
            yield severity, place, message + end, f"add {wanted}"


def _left_out(source: Source) -> Iterator[tuple[str, str, str]]:
    for grant in source.grants:
        for subject in grant.subjects:
            wanted = left_out(subject, grant.subjects)
            if wanted and not _superseded(grant, source):
                does = "no longer denies" if grant.denies else "no longer allows"
                yield (
                    grant.place, f'{grant.who}: {grant.verb} "{subject}" {does} what it did, '
                    "because subjects begin with domain and account", wanted,
                )  # fmt: skip
    subjects = [share.subject for share in source.shares]
    for share in source.shares:
        wanted = left_out(share.subject, subjects)
        if wanted:
            yield (
                share.place, f'{share.what}: "{share.subject}" no longer takes acknowledgements '
                "or flow control, because subjects begin with domain and account", wanted,
            )  # fmt: skip


def _superseded(grant: Grant, source: Source) -> bool:
    """A denial of single subjects means nothing where nothing of them is allowed."""
    if not grant.denies:
        return False
    allowed = [
        subject for other in source.grants
        if not other.denies and (other.who, other.verb) == (grant.who, grant.verb)
        for subject in other.subjects
    ]  # fmt: skip
    sample = "$JS.ACK._.Ab3dEf9h.S.C.1.1.1.1.0", "$JS.FC._.Ab3dEf9h.S.C.Xy7a"
    return bool(allowed) and not any(
        subject_matches(subject, each) for subject in allowed for each in sample
    )


RULES = (
    Rule("names-with-spaces", (2, 11, 0), _spaces_in_names),
    Rule("ingest-limit", (2, 11, 0), _ingest_limit),
    Rule("strict-api", (2, 12, 0), _strict),
    Rule("stream-templates", (2, 14, 0), _templates),
    Rule("default-max-consumers", (2, 15, 0), _consumers),
    Rule("older-servers", (2, 15, 0), _from_older),
    Rule("leaf-no-advertise", (2, 15, 0), _leaf_advertise),
    Rule("leaf-isolation", (2, 15, 0), _leaf_isolation),
    Rule("backup-format", (2, 15, 0), _archives),
    Rule("claim-mappings", (2, 15, 1), _mappings_of_claims),
    Rule("ack-subjects", (2, 16, 0), _ack_subjects),
)
