"""The sizes of records, for Python; the format itself is in `record.pxd`."""
