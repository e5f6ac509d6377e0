"""A configuration with very many accounts, each with users, exports and imports."""

from __future__ import annotations

USERS = 10  # of an account


def tenants_config(accounts: int) -> str:
    """Each account exports a service and a stream, and imports those of the one before it."""
    blocks = [_account(number) for number in range(accounts)]
    return "accounts {\n" + "".join(blocks) + "}\n"


def _account(number: int) -> str:
    users = "".join(
        f'      {{ user: "user{number}_{each}", password: "secret{number}_{each}" }}\n'
        for each in range(USERS)
    )
    lines = [
        f"  TENANT{number} {{",
        "    users = [",
        f"{users}    ]",
        f'    exports = [ {{ service: "svc.{number}" }}, {{ stream: "ev.{number}.>" }} ]',
    ]
    if number:
        other = number - 1
        lines.append(
            f'    imports = [ {{ service: {{ account: TENANT{other}, subject: "svc.{other}" }} }}, '
            f'{{ stream: {{ account: TENANT{other}, subject: "ev.{other}.>" }} }} ]'
        )
    return "\n".join([*lines, "  }\n"])
