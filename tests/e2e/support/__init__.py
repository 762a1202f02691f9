"""What the end-to-end tests stand on: the real binary, a scriptable backend, raw clients."""
