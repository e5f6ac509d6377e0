"""What must be there: which sequences of a stream on disk are lost, and which unavailable.

For the file store, and for tools that look at a folder while no server has it open.
"""
