"""Policies as tables over everything that an agent can observe, and their simulation."""
