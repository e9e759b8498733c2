"""Scenarios: every probability, reward and rule of a simulation, as validated YAML files, with presets.

Read in this order: parts → fields → overrides → scenario → differences → template; shades and scenario_views, for what
it shows.
"""
