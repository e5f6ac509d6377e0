"""Commands and flags that the real `nats` 0.5.0 has, as it lists them itself, without texts."""
