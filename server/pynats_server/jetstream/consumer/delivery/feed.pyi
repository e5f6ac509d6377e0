from pynats_server.core.account import Account
from pynats_server.jetstream.consumer.delivery.alarms import Alarms
from pynats_server.jetstream.consumer.delivery.interest import Interest, Member
from pynats_server.jetstream.consumer.delivery.state import ConsumerState

class Feed(Member):
    state: ConsumerState
    interest: Interest
    host: object
    paused: bool
    last_delivered_ns: int
    last_acked_ns: int
    touched_ns: int
    def __init__(
        self,
        host: object,
        state: ConsumerState,
        interest: Interest,
        account: Account,
        alarms: Alarms,
        ack_head: bytes,
    ) -> None: ...
    def set_rules(
        self,
        *,
        max_deliver: int,
        max_ack_pending: int,
        ack_wait_ns: int,
        backoff_ns: list[int],
        headers_only: bool,
        original_pace: bool,
        sample: int,
        retains: bool,
    ) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def reset(self, start: int) -> None: ...
    def again_from_start(self) -> None: ...
    def go_ahead(self) -> None: ...
    def begin_with(self, firsts: list[int], resume: int) -> None: ...
    def progress(self, seq: int) -> None: ...
    def acknowledge(self, delivery: int, seq: int) -> None: ...
    def loaded(self) -> None: ...
    def settle(self) -> None: ...
    @property
    def num_pending(self) -> int: ...
    @property
    def longest_wait_ns(self) -> int: ...
    @property
    def is_full(self) -> bool: ...
