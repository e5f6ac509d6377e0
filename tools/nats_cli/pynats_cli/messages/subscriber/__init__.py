"""The engine of `pynats subscribe`: options, rendering, and one module per way of receiving."""
