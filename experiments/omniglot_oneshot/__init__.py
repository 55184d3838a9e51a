"""One-shot recognition of Omniglot's characters."""
