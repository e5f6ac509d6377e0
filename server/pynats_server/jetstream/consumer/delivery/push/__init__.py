"""Push consumers: `feed` delivers to one subject; `window` is flow control, `pace` a rate limit."""
