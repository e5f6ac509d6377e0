"""Memory without Python objects: what maps and queues pointers, and what payloads lie in."""
