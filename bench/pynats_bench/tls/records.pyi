from pynats_server.core.sockets.layer import Layer

def exchange(
    sender: Layer, receiver: Layer, size: int, burst: int, lots: int
) -> tuple[int, int, int]: ...
