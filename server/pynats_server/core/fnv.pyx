"""FNV-1a with 32 bits, the hash by which `{{partition(n)}}` spreads subjects."""


def fnv1a32(bytes data not None) -> int:
    """The hash of `data` as an unsigned integer."""
    return fnv_more(FNV_BEGIN, data, len(data))
