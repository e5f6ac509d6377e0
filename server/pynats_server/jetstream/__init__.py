"""JetStream: streams that keep what they acknowledge. Storage lives in `store`."""
