"""Medium-independent core of unpaired: it works on tensors and knows no medium."""
