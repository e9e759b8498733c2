"""Tutorial: from ``gym.make`` to a slide.

A notebook as text, in cells: VS Code, PyCharm and Spyder run it as it is, and ``jupytext --to notebook tutorial.py``
makes a notebook of it. ``python docs/tutorial.py`` runs all cells and leaves ``slide.png``.
"""

# %% [markdown]
# # Which ad should a video platform show now?
#
# A platform has videos of some categories, and before every video one slot for an ad. Long ads pay more than short
# ones, but fewer people view them, and they tire. This platform has no videos yet: names of categories are enough.

# %%
import gymnasium as gym
from matplotlib import pyplot

from preroll.agents import AGENTS
from preroll.envs import Optimum, Tables, scenario_for
from preroll.perception import Catalog
from preroll.simulations import evaluate, train

catalog = Catalog.synthetic(["cooking", "music", "travel"], videos=300, content=0.3)
catalog

# %% [markdown]
# What users do is a scenario: the rules of the preset `fatigue`, with ads of our categories and a number of our own.
# Every result shows itself as the last line of a cell, and draws itself with `plot()`.

# %%
scenario = scenario_for(catalog, like="fatigue").replace(
    {"name": "our-plan", "ads.cooking.long.view_probability": 0.45}
)
scenario

# %%
scenario.plot()

# %% [markdown]
# ## One session, by hand
#
# It is a Gymnasium environment: the action is the ad, the reward is what a view pays.

# %%
env = gym.make("preroll/Session-v0", scenario=scenario, catalog=catalog)
observation, info = env.reset(seed=1)
revenue, over = 0.0, False
while not over:
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
    revenue += float(reward)
    over = terminated or truncated
print(f"A session of random ads: {revenue:g}")

# %% [markdown]
# ## What is possible
#
# Before anything learns, the optimum is computed exactly, and with it the best ad in every state.

# %%
tables = Tables.compile(scenario, catalog)
best = Optimum(tables)
best

# %%
best.plot()

# %% [markdown]
# ## Two agents learn
#
# Thompson sampling looks at the next slot alone; PPO learns what an ad costs later.

# %%
names = ("thompson", "lean-ppo")
print("\n".join(f"{name}: {AGENTS[name].description}" for name in names))
results = {name: train(name, scenario=scenario, catalog=catalog, sessions=20_000, seed=1) for name in names}
results["lean-ppo"]

# %%
ax = None
for result in results.values():
    ax = result.plot(ax)

# %% [markdown]
# ## Who earns more?
#
# All play the same users with the same draws, without exploration, beside random, greedy and the optimum.

# %%
evaluation = evaluate({name: result.agent for name, result in results.items()}, tables, sessions=4000)
evaluation

# %%
evaluation.to_frame()[["agent", "revenue_low", "revenue", "revenue_high", "percent_of_optimum"]]

# %% [markdown]
# ## The slide
#
# `plot` draws on any axes, so that a slide is a figure of ours.

# %%
slide, (left, middle, right) = pyplot.subplots(1, 3, figsize=(16, 5), layout="constrained", width_ratios=(1, 1, 1.2))
for result in results.values():
    result.plot(left)
evaluation.plot(middle)
best.plot(right)
titles = ("They learn", "What they earn", "What the best ad would be")
for panel, title in zip((left, middle, right), titles, strict=True):
    panel.set_title(title, fontsize=13)
slide.suptitle(f"{scenario.name}: the optimum earns {best.value:.2f} a session", fontsize=16)
slide.savefig("slide.png", dpi=120)
