"""Renamed commands, presets and settings: the error about an old name states the new one."""

#: Commands of the command line.
COMMANDS = {
    "log": "impressions",
    "results": "experiment results",
    "report": "experiment report",
    "detector adapt": "detector fine-tune",
    "predict catalog": "predict annotate",
}

#: Presets of scenarios.
PRESETS = {"pacing": "fatigue"}

#: Settings of agents; of several new names the one that the agent has.
SETTINGS = {
    "lanes": ("num_envs",),
    "memory": ("forgetting", "recurrent_units"),
    "horizon": ("bootstrap_at_horizon",),
}
