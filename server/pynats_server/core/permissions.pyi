from collections.abc import Iterable

class Permissions:
    def __init__(
        self,
        publish_allow: Iterable[bytes] | None = None,
        publish_deny: Iterable[bytes] = (),
        subscribe_allow: Iterable[bytes] | None = None,
        subscribe_deny: Iterable[bytes] = (),
        responses: bool = False,
        response_max: int = 1,
        response_ttl_ns: int = ...,
    ) -> None: ...
    @property
    def responses(self) -> bool: ...
    @property
    def response_max(self) -> int: ...
    @property
    def response_ttl_ns(self) -> int: ...
