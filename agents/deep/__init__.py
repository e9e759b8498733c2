"""Deep agents: DQN and PPO of stable-baselines3, QR-DQN of sb3-contrib, and our own lean and recurrent PPO.

The only folder of the agents that imports torch. Read in this order: settings → networks → sb3_agent → replay and
dqn → ppo_step and ppo → lean_ppo → recurrent_ppo.
"""

from preroll.system.memory import NETWORKS, require

require("an agent with networks", NETWORKS)  # where torch does not fit, its loader would fail in words of its own
