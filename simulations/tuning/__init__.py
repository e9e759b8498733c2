"""A search over an agent's settings."""
