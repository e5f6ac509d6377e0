"""Replicas of streams and consumers side by side, as each server tells of its own in JSZ."""
