"""The versions that this server reports."""

from pynats_common.program.version import RELEASE, version_line

# The level of the NATS protocol. Clients read it from INFO to enable features, so it follows the
# numbering of the reference server, not of this project.
VERSION = "2.15.1"

API_LEVEL = 5  # of the JetStream API that VERSION has

PYNATS_VERSION = RELEASE  # of this project


def server_version_line(program: str) -> str:
    """What `--version` prints. Tools parse `nats-server: v<version>`, so a link with that name
    prints exactly that."""
    if program == "nats-server":
        return f"nats-server: v{VERSION}"
    return version_line(program, VERSION)
