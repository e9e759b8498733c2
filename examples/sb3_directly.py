"""stable-baselines3 without anything of ours but the environment: its PPO, Monitor, a callback and its progress bar.

Run it: python examples/sb3_directly.py [STEPS]   (the progress bar needs `pip install tqdm rich`)
"""

import sys

import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

from preroll.envs import Optimum  # importing preroll makes the environment known to Gymnasium


def main(steps: int = 50_000) -> None:
    """Trains for so many slots, one session at a time, with stable-baselines3's own settings."""
    preroll_env = Monitor(gym.make("preroll/Session-v0", scenario="fatigue"), "monitor.csv")
    held_out = Monitor(gym.make("preroll/Session-v0", scenario="fatigue"))
    best = EvalCallback(held_out, eval_freq=max(steps // 5, 1), best_model_save_path="best", verbose=0)

    model = PPO("MlpPolicy", preroll_env, seed=1, device="cpu")
    model.learn(steps, callback=best, progress_bar=True)
    preroll_env.close()

    revenue, deviation = evaluate_policy(model, held_out, n_eval_episodes=200)
    half = 1.96 * deviation / 200**0.5  # of the 95 % interval
    optimum = Optimum(preroll_env.unwrapped.tables).value
    print(f"PPO after {steps:,} slots: {revenue:.2f} ± {half:.2f} a session, {revenue / optimum:.1%} of the optimum")
    # `preroll train ppo --scenario fatigue` trains the same algorithm on many sessions at once;
    # PPO("MlpPolicy", preroll.agents.PrerollVecEnv(64, scenario="fatigue")) does so for stable-baselines3 itself.


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
