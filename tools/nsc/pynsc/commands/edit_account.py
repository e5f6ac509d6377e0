"""`edit account`: limits, JetStream tiers, signing keys, texts, tracing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.commandline.declare import arg, opt
from pynats_common.jwt.claims import AccountBody
from pynats_common.jwt.types import AccountLimits, JetStreamLimits, MsgTrace
from pynats_common.nkeys import Prefix

from pynsc.cli import Many, Maybe, RemovePermissionOptions, Text, TimeOptions, require_change
from pynsc.commands.edit import edit_keys
from pynsc.core.apply import apply_about, apply_permissions, apply_tags, apply_times
from pynsc.core.report import Report
from pynsc.core.session import Session
from pynsc.core.values import items, parse_number

# Flag, field of the limits, words of the message.
_ACCOUNT_LIMITS = (
    ("conns", "conn", "max connections"),
    ("leaf_conns", "leaf", "leaf node connections"),
    ("data", "data", "max data"),
    ("exports", "exports", "max exports"),
    ("imports", "imports", "max imports"),
    ("payload", "payload", "max payload size"),
    ("subscriptions", "subs", "max subscriptions"),
)
_JS_LIMITS = (
    ("js_mem_storage", "mem_storage", "max mem storage"),
    ("js_disk_storage", "disk_storage", "max disk storage"),
    ("js_streams", "streams", "max streams"),
    ("js_consumer", "consumer", "max consumer"),
    ("js_max_mem_stream", "mem_max_stream_bytes", "max memory stream"),
    ("js_max_disk_stream", "disk_max_stream_bytes", "max disk stream"),
    ("js_max_ack_pending", "max_ack_pending", "max ack pending"),
)


@dataclass
class EditAccount(TimeOptions, RemovePermissionOptions):
    pos: Annotated[Text, arg(help="account name", placeholder="name")] = ""
    name: Annotated[Text, opt("--name", "-n", help="account name")] = ""
    tag: Annotated[Many, opt("--tag", help="add tags")] = None
    rm_tag: Annotated[Many, opt("--rm-tag", help="remove tags")] = None
    conns: Annotated[Text, opt("--conns", help="connections, -1 unlimited")] = ""
    leaf_conns: Annotated[Text, opt("--leaf-conns", help="leaf node connections")] = ""
    data: Annotated[Text, opt("--data", help="bytes")] = ""
    exports: Annotated[Text, opt("--exports", help="exports")] = ""
    imports: Annotated[Text, opt("--imports", help="imports")] = ""
    payload: Annotated[Text, opt("--payload", help="message bytes")] = ""
    subscriptions: Annotated[Text, opt("--subscriptions", help="subscriptions")] = ""
    wildcard_exports: Annotated[
        bool | None,
        opt("--wildcard-exports/--no-wildcard-exports", help="exports may have wildcards"),
    ] = None
    disallow_bearer: Annotated[
        bool | None, opt("--disallow-bearer/--no-disallow-bearer", help="refuse bearer tokens")
    ] = None
    sk: Annotated[Many, opt("--sk", help="signing key: generate, key or path")] = None
    rm_sk: Annotated[Many, opt("--rm-sk", help="remove a signing key")] = None
    description: Annotated[Maybe, opt("--description", help="description, empty removes it")] = None
    info_url: Annotated[Maybe, opt("--info-url", help="link to more, empty removes it")] = None
    js_tier: Annotated[
        int, opt("--js-tier", help="tier R<n> that JetStream flags edit, 0 is global")
    ] = 0
    rm_js_tier: Annotated[int, opt("--rm-js-tier", help="remove a tier")] = -1
    js_mem_storage: Annotated[Text, opt("--js-mem-storage", "--mem-storage", help="bytes")] = ""
    js_disk_storage: Annotated[Text, opt("--js-disk-storage", "--disk-storage", help="bytes")] = ""
    js_streams: Annotated[Text, opt("--js-streams", "--streams", help="streams")] = ""
    js_consumer: Annotated[Text, opt("--js-consumer", "--consumer", help="consumers")] = ""
    js_max_mem_stream: Annotated[Text, opt("--js-max-mem-stream", help="bytes of a stream")] = ""
    js_max_disk_stream: Annotated[Text, opt("--js-max-disk-stream", help="bytes of a stream")] = ""
    js_max_bytes_required: Annotated[
        bool | None,
        opt("--js-max-bytes-required/--no-js-max-bytes-required", help="streams need max bytes"),
    ] = None
    js_max_ack_pending: Annotated[Text, opt("--js-max-ack-pending", help="pending acks")] = ""
    js_enable: Annotated[int, opt("--js-enable", help="enable JetStream unlimited for a tier")] = -1
    js_disable: Annotated[bool, opt("--js-disable", help="disable JetStream")] = False
    trace_context_subject: Annotated[
        Maybe, opt("--trace-context-subject", help="subject of traces, empty disables them")
    ] = None
    trace_context_sampling: Annotated[Text, opt("--trace-context-sampling", help="percent")] = ""
    host_cluster_traffic: Annotated[
        bool | None, opt("--host-cluster-traffic/--no-host-cluster-traffic", hidden=True)
    ] = None


def edit_account(session: Session, options: EditAccount) -> None:
    require_change(options, "pos", "name")
    account = session.account_name(options.pos or options.name)
    claims = session.store().account(account)
    body, report = claims.nats, session.report
    apply_times(claims, options, report)
    apply_tags(body.tags, items(options.tag), items(options.rm_tag), report)
    apply_permissions(body.default_permissions, options, report)
    for flag, name, words in _ACCOUNT_LIMITS:
        text = getattr(options, flag)
        if text:
            setattr(body.limits, name, parse_number(text))
            unit = " bytes" if name == "data" else ""
            report.planned(f"changed {words} to {getattr(body.limits, name)}{unit}")
    if options.wildcard_exports is not None:
        body.limits.wildcards = options.wildcard_exports
        report.planned(f"changed wild card exports to {str(options.wildcard_exports).lower()}")
    if options.disallow_bearer is not None:
        body.limits.disallow_bearer = options.disallow_bearer
        report.planned(f"changed disallow bearer to {str(options.disallow_bearer).lower()}")
    edit_keys(session, Prefix.ACCOUNT, body.signing_keys, options.sk, options.rm_sk)
    _edit_jetstream(session, claims, options)
    apply_about(body, options.description, options.info_url, report)
    _edit_trace(body, options, report)
    if options.host_cluster_traffic is not None:
        body.cluster_traffic = "owner" if options.host_cluster_traffic else "system"
        report.planned(f"set cluster traffic to {body.cluster_traffic}")
    session.save_account(claims, account)
    report.ok(f'edited account "{account}"')


def _edit_trace(body: AccountBody, options: EditAccount, report: Report) -> None:
    subject = options.trace_context_subject
    if subject is not None and not subject:
        body.trace = None
        report.planned("disabled trace context")
    elif subject:
        body.trace = body.trace or MsgTrace(dest=subject)
        body.trace.dest = subject
        report.planned(f'changed trace context subject to "{subject}"')
    if options.trace_context_sampling:
        if body.trace is None:
            raise StoreError(
                "trace-context-sampling requires a subject", "give --trace-context-subject"
            )
        body.trace.sampling = parse_number(options.trace_context_sampling)
        report.planned(f"changed trace context sampling to {body.trace.sampling}%")


def _edit_jetstream(session: Session, claims: jwt.AccountClaims, options: EditAccount) -> None:
    limits, report = claims.nats.limits, session.report
    wanted = {name: getattr(options, flag) for flag, name, _ in _JS_LIMITS}
    changes = any(wanted.values()) or options.js_max_bytes_required is not None
    touched = changes or options.js_enable >= 0
    _check_jetstream(session, claims, options, changes)
    if options.js_disable:
        _reset(limits)
        names = ["global limit", *(f"tier limit {name}" for name in limits.tiered_limits)]
        limits.tiered_limits = {}
        for name in names:
            report.planned(f"deleted {name}")
    if options.rm_js_tier >= 0:
        _remove_tier(limits, options.rm_js_tier, report)
    if not touched:
        return
    number = options.js_enable if options.js_enable >= 0 else options.js_tier
    target: JetStreamLimits | AccountLimits = limits
    if number:
        target = limits.tiered_limits.setdefault(f"R{number}", JetStreamLimits())
    label = f"R{number}" if number else "global"
    if options.js_enable >= 0:
        target.mem_storage = target.disk_storage = -1
        report.planned(f"enabled tier limit {label}" if number else "enabled global limit")
    if not any(getattr(target, name) for _, name, _ in _JS_LIMITS[2:]):
        for _, name, _words in _JS_LIMITS[2:]:  # a new tier has only the given limits
            setattr(target, name, -1)
    for _, name, words in _JS_LIMITS:
        if wanted[name]:
            setattr(target, name, parse_number(wanted[name]))
            report.planned(f"changed {label} {words} to {getattr(target, name)}")
    if options.js_max_bytes_required is not None:
        target.max_bytes_required = options.js_max_bytes_required
        report.planned(
            f"changed {label} max bytes required to {str(options.js_max_bytes_required).lower()}"
        )


def _check_jetstream(
    session: Session, claims: jwt.AccountClaims, options: EditAccount, changes: bool
) -> None:
    """Refuses JetStream flags that contradict each other or the account's limits."""
    ways = {
        "--js-disable": options.js_disable, "--js-enable": options.js_enable >= 0,
        "--rm-js-tier": options.rm_js_tier >= 0, "the other JetStream options": changes,
    }  # fmt: skip
    chosen = [name for name, on in ways.items() if on]
    if len(chosen) > 1:
        raise StoreError(f"{chosen[0]} excludes {chosen[1]}", "use one command for each")
    if (changes or options.js_enable >= 0) and (
        claims.sub == session.store().operator().nats.system_account
    ):
        raise StoreError("the system account cannot have JetStream", "use another account")
    limits = claims.nats.limits
    number = options.js_enable if options.js_enable >= 0 else options.js_tier
    if not changes and options.js_enable < 0:
        return
    if number and (limits.mem_storage or limits.disk_storage):
        raise StoreError("cannot set a jetstream tier limit when the account has a global limit",
                         "remove it with --rm-js-tier 0")  # fmt: skip
    if not number and limits.tiered_limits:
        raise StoreError("cannot set a jetstream global limit when the account has tiered limits",
                         f"remove {', '.join(limits.tiered_limits)} with --rm-js-tier")  # fmt: skip


def _remove_tier(limits: AccountLimits, number: int, report: Report) -> None:
    if not number:
        _reset(limits)
        report.planned("deleted global limit")
    elif limits.tiered_limits.pop(f"R{number}", None) is None:
        raise StoreError(f"tier R{number} is not set", "see describe account")
    else:
        report.planned(f"deleted tier limit R{number}")


def _reset(limits: object) -> None:
    for name in (*(name for _, name, _ in _JS_LIMITS), "max_bytes_required"):
        setattr(limits, name, False if name == "max_bytes_required" else 0)
