"""`pynats errors`: what error codes mean."""

from pynats_common.commandline.tree import Command, Group

_HERE = "pynats_cli.commands.errors"
GROUP = Group(
    "errors",
    "Error codes of the server",
    aliases=("err", "error"),
    options=f"{_HERE}.looking:ErrorsOptions",
    commands=(
        Command("ls", "List error codes", f"{_HERE}.looking:list_errors", ("list",),
                examples=("pynats errors ls", "pynats errors ls mirror http"), offline=True),
        Command("lookup", "Explain an error code", f"{_HERE}.looking:lookup",
                ("find", "get", "l", "view", "show"), examples=("pynats errors lookup 10059",),
                offline=True),
        Command("edit", "Edit or add an error in an errors.json", f"{_HERE}.changing:edit",
                ("vi", "add", "new"), examples=("pynats errors edit errors.json 10013",
                                                "pynats errors add errors.json"), offline=True),
        Command("validate", "Check an errors.json", f"{_HERE}.changing:validate",
                examples=("pynats errors validate errors.json",), offline=True),
    ),
)  # fmt: skip
