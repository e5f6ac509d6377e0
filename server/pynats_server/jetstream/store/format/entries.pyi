from pynats_server.jetstream.store.block import Block

def put_entries(
    out: bytearray, block: Block, start: int, last: int, size: int, most: int
) -> int: ...
