"""Media files: making, probing and decoding them, and what a profile promises of them."""
