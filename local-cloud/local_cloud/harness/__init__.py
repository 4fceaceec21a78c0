"""The machine room: starts, deploys and ends a local cloud, and runs things on it."""
