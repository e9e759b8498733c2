"""Scenarios: every probability, reward and rule of a simulation, as validated YAML files, with presets.

Read in this order: scenario → overrides → differences → template.
"""
