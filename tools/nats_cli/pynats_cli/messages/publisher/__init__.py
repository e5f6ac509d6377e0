"""What is sent: the sources of message bodies, and schedules."""
