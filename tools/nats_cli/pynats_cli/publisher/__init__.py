"""What is sent: where bodies come from, and the schedules that go with them."""
