from pynats_server.jetstream.consumer.delivery.feed import Feed

class PushFeed(Feed):
    def set_target(
        self,
        subject: bytes,
        group: bytes,
        flow_head: bytes,
        *,
        flow_control: bool,
        heartbeat_ns: int,
        rate_bps: int,
        burst: int,
    ) -> None: ...
    def asked(self, inbox: bytes, body: bytes) -> None: ...
    def end_requests(self, status: bytes) -> None: ...
    @property
    def in_use(self) -> bool: ...
    @property
    def num_waiting(self) -> int: ...
