"""Deep agents: DQN and PPO of stable-baselines3, and lean forms of our own.

The only folder of the agents that imports torch. Read in this order: settings → sb3_agent → dqn and ppo → lean_ppo →
recurrent_ppo.
"""
