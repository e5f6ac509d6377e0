"""The release of this project, and what `--version` prints."""

RELEASE = "0.1.0"


def version_line(program: str, version: str = RELEASE) -> str:
    """`program: v1.2.3 (PyNATS 1.2.3)`, the same in all programs. `version` differs for the server
    alone: it names the level of the protocol, which others read."""
    return f"{program}: v{version} (PyNATS {RELEASE})"
