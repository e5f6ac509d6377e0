"""Reads `oidc`: the OpenID Connect providers whose tokens let in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pynats_common.commandline.suggest import did_you_mean
from pynats_common.config import Node, kind_of
from pynats_common.network.urls import fault_of_key_url as fault_of_url

from pynats_server.options import (
    OIDC_ALGORITHMS,
    OidcIssuer,
    Options,
    Permissions,
)
from pynats_server.settings.blocks.permissions import PERMISSIONS, read_permissions
from pynats_server.settings.schema import Reading, Setting, Table
from pynats_server.settings.values import name, path, refuse, seconds_or_duration_s, string

_TEMPLATE = re.compile(r"\{\{\s*claim\(\s*[^(){}\s]+\s*\)\s*\}\}")


def read_oidc(reading: Reading, node: Node, key: str) -> list[OidcIssuer]:
    """One block, or a list of them. Raises `ConfigError` if it cannot be used."""
    blocks = node.value if isinstance(node.value, list) else [node]
    found: list[OidcIssuer] = []
    for block in blocks:
        if not isinstance(block.value, dict):
            refuse(block, f"{key} must be a map or an array of maps, got {kind_of(block.value)}")
        provider = OidcIssuer("")
        OIDC.read(reading, block.value, provider)
        if fault := fault_of_provider(provider):
            refuse(block, f"{key}: {fault}")
        if any(provider.issuer == other.issuer for other in found):
            refuse(block, f'{key}: issuer "{provider.issuer}" stands here twice')
        found.append(provider)
    return found


def fault_of_provider(provider: OidcIssuer) -> str:
    """What is wrong with a provider by itself; empty = nothing."""
    if not provider.issuer:
        return "an issuer is required"
    if fault := fault_of_url(provider.issuer):
        return f'issuer "{provider.issuer}": {fault}'
    if provider.jwks_url and (fault := fault_of_url(provider.jwks_url)):
        return f'jwks_url "{provider.jwks_url}": {fault}'
    if not provider.audience or not all(provider.audience):
        return "an audience is required: without one, tokens for any other service would let in"
    if not provider.user_claim:
        return "user_claim is empty"
    if not provider.algorithms:
        return "algorithms is empty"
    for algorithm in provider.algorithms:
        if algorithm not in OIDC_ALGORITHMS:
            known = did_you_mean(algorithm, OIDC_ALGORITHMS)
            return f'algorithm "{algorithm}" is not one for public keys{known}'
    if provider.roles and not provider.roles_claim:
        return "roles need a roles_claim"
    if provider.roles_claim and not provider.roles:
        return "roles_claim needs roles"
    if min(provider.timeout, provider.refresh, provider.retry) <= 0 or provider.leeway < 0:
        return "timeout, refresh and retry must be above zero, and leeway not below"
    for text in _subjects(provider):
        rest = _TEMPLATE.sub("x", text)
        if "{" in rest or "}" in rest:
            return f'subject "{text}": only {{{{claim(name)}}}} may be in braces'
    return ""


def fault_of_oidc(options: Options) -> str:
    """What is wrong with providers in options that were read or written; empty = nothing."""
    seen: set[str] = set()
    if options.authorization.oidc and options.operator.enabled:
        return "oidc: not in operator mode, where JWTs say who may come in"
    for provider in options.authorization.oidc:
        if fault := fault_of_provider(provider):
            return f"oidc: {fault}"
        if provider.issuer in seen:
            return f'oidc: issuer "{provider.issuer}" stands here twice'
        seen.add(provider.issuer)
        if not provider.account_claim and provider.account not in options.account_names:
            similar = did_you_mean(provider.account, options.accounts)
            return f'oidc: account "{provider.account}" is not among the accounts{similar}'
    return ""


def _subjects(provider: OidcIssuer) -> Iterator[str]:
    sets: list[Permissions | None] = [provider.permissions, *provider.roles.values()]
    for permissions in sets:
        if permissions is None:
            continue
        for each in (permissions.publish, permissions.subscribe):
            if each is not None:
                yield from (*(each.allow or ()), *each.deny)


def _texts(reading: Reading, node: Node, key: str) -> list[str]:
    """A text, or a list of them."""
    if isinstance(node.value, list):
        return [name(reading, item, key) for item in node.value]
    return [name(reading, node, key)]


def _required(reading: Reading, node: Node, key: str) -> dict[str, list[str]]:
    if not isinstance(node.value, dict):
        refuse(node, f"{key} must be a map, got {kind_of(node.value)}")
    found: dict[str, list[str]] = {}
    for claim, value in node.value.items():
        items = value.value if isinstance(value.value, list) else [value]
        found[claim] = [_value(item, key) for item in items]
    return found


def _value(node: Node, key: str) -> str:
    if isinstance(node.value, bool):
        return str(node.value).lower()
    if isinstance(node.value, str | int):
        return str(node.value)
    refuse(node, f"{key}: values are texts, integers and booleans, got {kind_of(node.value)}")


def _roles(reading: Reading, node: Node, key: str) -> dict[str, Permissions]:
    if not isinstance(node.value, dict):
        refuse(node, f"{key} must be a map, got {kind_of(node.value)}")
    return {role: read_permissions(reading, each, role) for role, each in node.value.items()}


def _seconds(reading: Reading, node: Node, key: str) -> float:
    return seconds_or_duration_s(node, key)


OIDC = Table(
    lambda: OidcIssuer(""),
    Setting("issuer", "the provider's URL, exactly as `iss` in its tokens has it", name),
    Setting("audience", "whom tokens must be for: one of these in `aud`", _texts, ("aud",)),
    Setting(
        "jwks_url", "where its keys are (default: as its discovery document says)", name,
        ("jwks_uri",),
    ),
    Setting("account", "account of all its users (default `$G`)", string),
    Setting("account_claim", "claim that names the account instead", name),
    Setting("user_claim", "claim with the name that is shown (default `sub`)", name),
    Setting(
        "required_claims", "claims that a token must have, with one of the values", _required
    ),
    Setting(
        "permissions",
        "subjects they may publish and subscribe to; `{{claim(name)}}` stands for a claim",
        read_permissions,
        ("permission",),
        block=PERMISSIONS,
    ),
    Setting("roles_claim", "claim with the roles of a user", name),
    Setting(
        "roles",
        "permissions by role: a map of `permissions` blocks, of which the first counts that a user "
        "has; without one, `permissions`",
        _roles,
    ),
    Setting("algorithms", "how tokens may be signed (default: all with public keys)", _texts),
    Setting("leeway", "seconds that clocks may differ (default 10)", _seconds),
    Setting("timeout", "seconds for each request to the provider (default 5)", _seconds),
    Setting("refresh", "seconds after which its keys are fetched again (default 1h)", _seconds),
    Setting(
        "retry", "seconds between requests for keys that are not there (default 30)", _seconds
    ),
    Setting("ca_file", "authorities that vouch for it (default: those of the system)", path),
    unknown='unknown field "{key}" in oidc',
)  # fmt: skip
