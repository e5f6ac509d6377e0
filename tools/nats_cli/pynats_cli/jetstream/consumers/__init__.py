"""Consumers: their configuration by flags, files and questions, their screens, and searching."""
