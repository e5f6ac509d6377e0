"""`pynats kv`: key-value buckets."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.kv"
GROUP = Group(
    "kv",
    "Store and watch values in key-value buckets",
    commands=(
        Command(
            "add", "Create a bucket", f"{_HERE}.buckets:add", aliases=("new",),
            examples=("pynats kv add CONFIG", "pynats kv add CONFIG --history 5 --ttl 1d"),
            panel="Buckets",
        ),
        Command(
            "edit", "Change a bucket", f"{_HERE}.buckets:edit",
            examples=("pynats kv edit CONFIG --history 10",), panel="Buckets",
        ),
        Command(
            "info", "Show a bucket's configuration and state", f"{_HERE}.look:info",
            aliases=("view", "status"), examples=("pynats kv info CONFIG",), panel="Buckets",
        ),
        Command(
            "ls", "List buckets, or the keys of one", f"{_HERE}.look:ls", aliases=("list",),
            examples=("pynats kv ls", "pynats kv ls CONFIG 'db.>'", "pynats kv ls CONFIG -v"),
            panel="Buckets",
        ),
        Command(
            "compact", "Remove the markers that deleted keys left", f"{_HERE}.remove:compact",
            examples=("pynats kv compact CONFIG --force",), panel="Buckets",
        ),
        Command(
            "put", "Store a value", f"{_HERE}.store:put",
            examples=(
                "pynats kv put CONFIG db.url nats://a",
                "pynats kv put CONFIG cert < cert.pem",
            ),
            panel="Values",
        ),
        Command(
            "get", "Show the value of a key", f"{_HERE}.read:get",
            examples=("pynats kv get CONFIG db.url", "pynats kv get CONFIG db.url --raw"),
            panel="Values",
        ),
        Command(
            "create", "Store a value if the key is not there", f"{_HERE}.store:create",
            examples=("pynats kv create CONFIG lock me --ttl 30s",), panel="Values",
        ),
        Command(
            "update", "Store a value if nobody changed it meanwhile", f"{_HERE}.store:update",
            examples=("pynats kv update CONFIG db.url nats://b 7",), panel="Values",
        ),
        Command(
            "del", "Delete a key, or a bucket", f"{_HERE}.remove:delete", aliases=("rm",),
            examples=("pynats kv del CONFIG db.url", "pynats kv del CONFIG --force"),
            panel="Values",
        ),
        Command(
            "purge", "Delete a key and its history", f"{_HERE}.remove:purge",
            examples=("pynats kv purge CONFIG db.url",), panel="Values",
        ),
        Command(
            "history", "Show all values of a key", f"{_HERE}.read:history",
            examples=("pynats kv history CONFIG db.url", "pynats kv history CONFIG 'db.*'"),
            panel="Values",
        ),
        Command(
            "revert", "Store an earlier value again", f"{_HERE}.store:revert",
            examples=("pynats kv revert CONFIG db.url 3",), panel="Values",
        ),
        Command(
            "watch", "Follow the changes of a bucket or a key", f"{_HERE}.read:watch",
            examples=("pynats kv watch CONFIG", "pynats kv watch CONFIG 'db.>' --snapshot"),
            panel="Values",
        ),
    ),
)  # fmt: skip
