"""Runtime-independent core of unpaired: it knows tensors, never a medium."""
