"""What happens to a stream at a time: messages that expire, and scheduled ones.

The clock is read here, by the one who proposes; what it says goes into operations.
"""
