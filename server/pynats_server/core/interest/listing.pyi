from pynats_server.core.interest.sublist import Sublist
from pynats_server.core.interest.subscription import Subscription

def listed(
    sublist: Sublist, place: tuple[int, ...] = (), most: int = 512
) -> tuple[list[Subscription], tuple[int, ...] | None]: ...
