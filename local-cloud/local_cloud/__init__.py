"""The project's own AWS on one machine: the real template, the real Lambda binaries, IAM enforced."""
