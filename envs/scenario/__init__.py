"""The scenario: every probability, reward and rule of a simulation, as a checked YAML file, with presets."""
