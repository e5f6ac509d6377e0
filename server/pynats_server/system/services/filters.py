"""Which servers a request to all of them is for."""

from __future__ import annotations

from dataclasses import dataclass

from pynats_server.server.state import ServerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Empty fields let every server pass. Names are searched for within the server's unless
    `exact_match`; all of `tags` must be the server's, in any case of letters."""

    server_name: str = ""
    cluster: str = ""
    host: str = ""
    exact_match: bool = False
    tags: tuple[str, ...] = ()
    domain: str = ""

    def passes(self, state: ServerState) -> bool:
        """Whether the request is for this server, which is in no cluster."""
        has = (
            (state.name, self.server_name),
            (state.advertised()[0], self.host),
            ("", self.cluster),
        )
        for own, wanted in has:
            if wanted and (wanted != own if self.exact_match else wanted not in own):
                return False
        own_tags = {tag.lower() for tag in state.options.server_tags}
        if not all(tag.strip().lower() in own_tags for tag in self.tags):
            return False
        return not self.domain or self.domain == state.options.jetstream.domain
