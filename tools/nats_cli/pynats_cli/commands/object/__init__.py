"""`pynats object`: files of any size in object buckets."""

from __future__ import annotations

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.object"
GROUP = Group(
    "object",
    "Store files of any size in object buckets",
    aliases=("obj",),
    commands=(
        Command(
            "add", "Create a bucket", f"{_HERE}.buckets:add",
            examples=("pynats object add FILES", "pynats object add FILES --ttl 7d --replicas 3"),
            panel="Buckets",
        ),
        Command(
            "edit", "Change a bucket", f"{_HERE}.buckets:edit",
            examples=("pynats object edit FILES --ttl 14d",), panel="Buckets",
        ),
        Command(
            "info", "Show a bucket or an object", f"{_HERE}.look:info", aliases=("show", "i"),
            examples=("pynats object info FILES", "pynats object info FILES report.pdf"),
            panel="Buckets",
        ),
        Command(
            "ls", "List buckets, or the objects of one", f"{_HERE}.look:ls",
            examples=("pynats object ls", "pynats object ls FILES"), panel="Buckets",
        ),
        Command(
            "seal", "Refuse every further change of a bucket", f"{_HERE}.remove:seal",
            examples=("pynats object seal FILES",), panel="Buckets",
        ),
        Command(
            "put", "Store a file", f"{_HERE}.transfer:put",
            examples=(
                "pynats object put FILES report.pdf",
                "tar c . | pynats object put FILES --name home.tar",
            ),
            panel="Objects",
        ),
        Command(
            "get", "Fetch a file", f"{_HERE}.transfer:get",
            examples=(
                "pynats object get FILES report.pdf",
                "pynats object get FILES home.tar --output - | tar x",
            ),
            panel="Objects",
        ),
        Command(
            "del", "Remove an object, or a bucket", f"{_HERE}.remove:delete", aliases=("rm",),
            examples=("pynats object del FILES report.pdf",), panel="Objects",
        ),
        Command(
            "watch", "Follow the changes of a bucket", f"{_HERE}.look:watch",
            examples=("pynats object watch FILES",), panel="Objects",
        ),
    ),
)  # fmt: skip
