"""Questions that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pynats_common.accounts_store.errors import StoreError

from pynsc.core.prompts import ask, confirm, edit_list, multi_select, select
from pynsc.core.values import items, parse_duration_ns, parse_instant, parse_number, parse_time

if TYPE_CHECKING:
    from pynsc.cli import PermissionOptions, TimeOptions
    from pynsc.core.session import Session


def pick_signer(session: Session, account: str = "", scoped: bool = True) -> None:
    """Asks for one of the stored keys of the account, or of the operator."""
    store = session.store()
    if session.private_key or (store.managed and not account):
        return
    operator = store.operator()
    labels: dict[str, str] = {}
    if account:
        claims = store.account(account)
        labels[claims.sub] = "account key"
        for public in claims.nats.signing_key_ids():
            scope = claims.nats.scope_of(public)
            if scope is None or scoped:
                labels[public] = "signing key" if scope is None else f"role {scope.role}"
    else:
        labels[operator.sub] = "operator key"
        labels |= dict.fromkeys(operator.nats.signing_keys, "signing key")
    if operator.nats.strict_signing_key_usage:
        labels.pop(next(iter(labels)))
    choices = {f"{key} ({label})": key for key, label in labels.items() if session.keys.has(key)}
    if len(choices) > 1:
        session.private_key = choices[select("sign with", list(choices))]
    elif not choices:
        session.private_key = ask("no key is stored that may sign: path of a key file")


def name(given: str, question: str) -> str:
    """The given name, or a valid answer."""
    from pynsc.core.values import new_name

    return given or ask(question, check=new_name)


def key(session: Session, given: str, kind: str) -> str:
    """The given key, the path of a key, or empty to generate one."""
    if given or confirm(f"generate {kind} key?", True):
        return given
    return ask(f"{kind} key: public key or path of a key file", check=session.keyring.load)


def permissions(options: PermissionOptions) -> None:
    """Asks for lists of subjects, one by one."""
    options.allow_pub = options.allow_pub or edit_list("publish allowed")
    options.deny_pub = options.deny_pub or edit_list("publish denied")
    options.allow_sub = options.allow_sub or edit_list("subscribe allowed")
    options.deny_sub = options.deny_sub or edit_list("subscribe denied")


def any_permission(options: PermissionOptions) -> bool:
    return any((options.allow_pub, options.deny_pub, options.allow_sub, options.deny_sub,
                options.allow_pubsub, options.deny_pubsub))  # fmt: skip


def responses(options: PermissionOptions, question: str) -> None:
    """Asks for the number of allowed responses and their time limit."""
    if options.allow_pub_response or options.max_responses or not confirm(question):
        return
    options.allow_pub_response = ask("max number of responses", "1", check=parse_number)
    options.response_ttl = options.response_ttl or ask(
        "response ttl (empty is no limit)", check=optional(parse_duration_ns)
    )


def times(options: TimeOptions) -> None:
    options.start = options.start or ask("valid from (0 is always)", "0", check=parse_time)
    options.expiry = options.expiry or ask("valid until (0 is always)", "0", check=_future)


def _future(text: str) -> None:
    import time

    if 0 < parse_time(text) < time.time():
        raise StoreError(f"{text} is in the past", "give a later time, or 0")


def changed(question: str, old: str, check: Callable[[str], Any] | None = None) -> str | None:
    """The answer, or None where it is what was there: others may change that meanwhile."""
    answer = ask(question, old, check=check)
    return answer if answer != old else None


def changed_times(options: TimeOptions, start: int, expiry: int) -> None:
    """Changes existing times; empty answers keep them."""
    from pynsc.core.values import format_time

    if options.start or options.expiry or not confirm("change when it is valid?"):
        return
    options.start = changed("valid from (0 is always)", format_time(start) or "0", parse_time) or ""
    options.expiry = changed("valid until (0 is always)", format_time(expiry) or "0", _future) or ""


def tags(options: Any, current: list[str]) -> None:
    """Asks for tags to add, and current tags to remove."""
    if options.tag or options.rm_tag or not confirm("edit tags?"):
        return
    options.tag = edit_list("add tags")
    if current:
        options.rm_tag = multi_select("remove tags", current)


def limits(options: Any, rows: list[tuple[str, str, int]]) -> None:
    """Numbers with their current values: option, question, value. An equal answer changes
    nothing."""
    for flag, question, value in rows:
        if not getattr(options, flag):
            answer = ask(f"{question} (-1 unlimited)", str(value), check=parse_number)
            if answer != str(value):
                setattr(options, flag, answer)


def instant(default: str = "0") -> str:
    return ask("revoke what was issued before (0 is now; RFC 3339 or epoch seconds)", default,
               check=parse_instant)  # fmt: skip


def optional(check: Callable[[str], Any]) -> Callable[[str], Any]:
    """A check that accepts an empty answer."""
    return lambda text: check(text) if text else None


def networks(text: str) -> None:
    """Check of a comma separated list of CIDR networks."""
    from pynats_common.jwt.validation import is_cidr

    for network in items([text]):
        if not is_cidr(network):
            raise StoreError(f"{network} is not a network", "use for example 10.0.0.0/8")


def need_yes(question: str) -> None:
    """A question; the answer no ends the command."""
    if not confirm(question):
        raise StoreError("cancelled", "nothing was changed")
