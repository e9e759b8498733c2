"""Pictures of docs/model.md: `python benchmarks/model_pictures.py` writes docs/pictures/model-*.png.

`python benchmarks/model_pictures.py DIR` writes docs/pictures/value-of-perception.png instead. DIR is the folder of
`preroll experiment run examples/experiments/value-of-perception.yaml --out DIR`, whose results.csv is what `preroll
experiment results DIR --csv` prints.
"""

import sys
from collections.abc import Callable
from copy import copy
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from preroll.envs import Optimum, Scenario, SessionEnv, Tables, fixed_policy, greedy_policy, rollout
from preroll.envs.model.ad_colors import ad_colors
from preroll.palette import BLUE, FAINT, GREEN, NO_AD, ORANGE, UNKNOWN
from preroll.perception import Catalog
from preroll.simulations.statistics.intervals import mean_interval

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"


def ad(tables: Tables, label: str) -> tuple[int, str]:
    """Returns index and colour of an ad."""
    index = tables.spec.labels.index(label)
    return index, ad_colors(tables.spec)[index]


def mismatch(axes: Axes) -> None:
    """Plots P(view) of the ad `cats.long` by category of the video."""
    tables = Tables.compile("classic")
    long, color = ad(tables, "cats.long")
    names = tables.catalog.categories
    p = [tables.ads[long].view_probability * tables.arrays.match[0, k, long] for k in range(len(names))]
    axes.bar(names, p, color=[color if name == "cats" else UNKNOWN for name in names])
    axes.set(title="Mismatch: ad cats.long, m = 0.4", xlabel="category of the video", ylabel="P(view)")


def position(axes: Axes) -> None:
    """Plots P(view) of one ad by slot of the video, in the preset `published`."""
    tables = Tables.compile("published")
    short, color = ad(tables, "cats.short")
    axes.bar(tables.scenario.session.slots, tables.arrays.base[0, 0, :, 0, short], color=color)
    axes.set(title="Position: ad cats.short (preset published)", xlabel="slot", ylabel="P(view)", ylim=(0, 1))


def wear(axes: Axes) -> None:
    """Plots P(view) of both cats ads by fatigue level, in the preset `fatigue`."""
    tables = Tables.compile("fatigue")
    for label in ("cats.short", "cats.long"):
        index, color = ad(tables, label)
        p = tables.arrays.base[0, 0, 0, :, index]
        axes.plot(p, "o-", color=color, label=label)
    axes.set(
        title="Wear: tired users view less (preset fatigue)", xlabel="fatigue level f", ylabel="P(view)", ylim=(0, 1)
    )
    axes.legend(frameon=False)


def repeat(axes: Axes) -> None:
    """Plots P(view) of an ad that is shown twice in a row, by the factor `user.repeat`."""
    factors = np.linspace(0, 1.5, 7)
    p = [min(0.7 * factor, 1.0) for factor in factors]
    axes.plot(factors, p, "o-", color=BLUE)
    axes.axhline(0.7, color=FAINT, linestyle="--", linewidth=1)
    axes.set(
        title="Repetition: the same ad again, p = 0.7", xlabel="factor user.repeat", ylabel="P(view)", ylim=(0, 1.1)
    )


def recall(axes: Axes) -> None:
    """Plots the expected reward of both cats ads before a cats video by its memorability, in the preset `classic`."""
    catalog = copy(Catalog.load("demo"))
    cats = np.flatnonzero(np.asarray(catalog.category) == catalog.categories.index("cats"))
    memorability = np.zeros(catalog.n_videos, np.float32)
    memorability[cats] = np.linspace(0, 1, len(cats))
    catalog.memorability = memorability
    tables = Tables.compile(Scenario.load("classic").replace({"recall_weight": 1.0}), catalog)
    for label in ("cats.short", "cats.long"):
        index, color = ad(tables, label)
        earned = tables.arrays.base[0, 0, 0, 0, index] * tables.arrays.reward[0, tables.kind[cats], index]
        axes.plot(memorability[cats], earned, color=color, label=label)
    axes.set(
        title="Recall: recall_weight 1 (preset classic)", xlabel="memorability of the video", ylabel="expected reward"
    )
    axes.legend(frameon=False)


def fatigue(axes: Axes) -> None:
    """Plots fatigue and views of one session in which two long ads and an empty slot alternate."""
    env = SessionEnv("fatigue")
    observation, _ = env.reset(seed=0)
    parts = env.observation_parts
    levels, viewed, over = [], [], False
    while not over:
        levels.append(int(observation[parts["fatigue"].slice].argmax()))
        category = env.session_spec.categories[observation[parts["category"].slice].argmax()]
        label = f"{category}.long" if len(levels) % 3 else "none"
        observation, _, left, horizon, info = env.step(env.session_spec.labels.index(label))
        viewed.append(info["viewed"])
        over = left or horizon
    axes.step(range(len(levels)), levels, where="mid", color=BLUE)
    seen = [slot for slot, view in enumerate(viewed) if view]
    axes.plot(seen, [levels[slot] for slot in seen], "o", color=ORANGE, label="ad viewed")
    axes.set(
        title="Fatigue: rises with views, falls in empty slots",
        xlabel="slot",
        ylabel="fatigue level f",
        ylim=(-0.3, 5.3),
    )
    axes.legend(frameon=False)


def leaving(axes: Axes) -> None:
    """Plots the exact share of sessions that reach each slot, in the preset `fatigue`."""
    tables = Tables.compile("fatigue")
    exact = Optimum(tables)
    policies = {
        "optimum": (exact.policy, GREEN),
        "always short": (fixed_policy(tables, "short"), BLUE),
        "always long": (fixed_policy(tables, "long"), ORANGE),
    }
    for name, (policy, color) in policies.items():
        axes.plot(exact.visits(policy).shown.sum(axis=(1, 2)), color=color, label=name)
    axes.set(
        title="Leaving: sessions that reach a slot (preset fatigue)",
        xlabel="slot",
        ylabel="share of sessions",
        ylim=(0, 1.02),
    )
    axes.legend(frameon=False)


def recommender(axes: Axes) -> None:
    """Plots the probability that each neighbour is the next video."""
    for decay, color in ((0.8, BLUE), (0.5, ORANGE)):
        tables = Tables.compile(Scenario.load("classic").replace({"recommender.rank_decay": decay}))
        p = 0.9 * np.diff(tables.arrays.choice[0, 2:], prepend=0)
        axes.plot(range(1, 11), p, "o-", color=color, label=f"rank_decay {decay}")
    axes.axhline(0.1 / 300, color=FAINT, linestyle="--", linewidth=1)
    axes.set(title="Next video: jump 0.1, else a neighbour", xlabel="rank of the neighbour", ylabel="probability")
    axes.legend(frameon=False)


def drift(axes: Axes) -> None:
    """Plots revenue by session number: the optimal policy of the first phase and the optimum of each phase."""
    tables = Tables.compile("drift")
    stale = Optimum(tables, 0).policy
    revenue = rollout(tables, stale, seed=1, lanes=2000, sessions_per_lane=300).revenue.mean(axis=0)
    axes.plot(revenue.reshape(-1, 5).mean(axis=1).repeat(5), color=ORANGE, label="optimal policy of the first phase")
    best = [Optimum(tables, phase).value for phase in range(3)]
    axes.step([0, 100, 200, 300], [*best, best[-1]], where="post", color=GREEN, label="optimum of each phase")
    axes.set(
        title="Drift: the tables change (preset drift)", xlabel="session of the lane", ylabel="revenue per session"
    )
    axes.legend(frameon=False)


def segments(axes: Axes) -> None:
    """Plots the expected reward of both lengths by segment, in the preset `hidden-users`."""
    tables = Tables.compile("hidden-users")
    names = [segment.name for segment in tables.scenario.user.segments]
    for offset, length in enumerate(("short", "long")):
        index, color = ad(tables, f"cats.{length}")
        revenue = tables.arrays.base[0, :, 0, 0, index] * tables.ads[index].reward
        axes.bar(np.arange(2) + 0.4 * offset - 0.2, revenue, 0.38, color=color, label=length)
    axes.set_xticks(range(2), names)
    axes.set(title="Segments: different ads for different users", ylabel="expected reward", xlabel="hidden segment")
    axes.legend(frameon=False)


def no_ad(axes: Axes) -> None:
    """Plots the shares of slots by length of the ad, for the optimum and greedy, in the preset `fatigue`."""
    tables = Tables.compile("fatigue")
    exact = Optimum(tables)
    lengths = np.array(tables.spec.lengths)
    bottom = np.zeros(2)
    for length, color in (("none", NO_AD), ("short", BLUE), ("long", ORANGE)):
        shares = [exact.visits(p).shares()[lengths == length].sum() for p in (exact.policy, greedy_policy(tables))]
        axes.barh(["optimum", "greedy"], shares, left=bottom, color=color, label=length)
        bottom += shares
    axes.set(title="Empty slots: users recover (preset fatigue)", xlabel="share of slots", xlim=(0, 1))
    axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.25))


PICTURES: tuple[Callable[[Axes], None], ...] = (
    mismatch,
    position,
    wear,
    repeat,
    recall,
    fatigue,
    leaving,
    recommender,
    drift,
    segments,
    no_ad,
)


def value_of_perception(folder: Path) -> None:
    """Plots the revenue of Thompson sampling by observed category: means over seeds, one group of bars per mismatch."""
    results = pd.read_csv(folder / "results.csv", dtype={"observe.category": str})
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.add_subplot()
    views = {"True": GREEN, "predicted": BLUE, "none": ORANGE}
    groups = sorted(results["user.mismatch"].unique())
    learned = results[results["label"] == "thompson"]
    for place, (view, color) in enumerate(views.items()):
        cells = learned[learned["observe.category"] == view].groupby("user.mismatch")["revenue"]
        intervals = [mean_interval(cells.get_group(group).to_numpy()) for group in groups]
        heights, errors = ([getattr(one, name) for one in intervals] for name in ("value", "half_width"))
        at = np.arange(len(groups)) + 0.27 * (place - 1)
        label = {"True": "true category", "predicted": "predicted", "none": "not observed"}[view]
        axes.bar(at, heights, 0.25, yerr=errors, capsize=3, color=color, label=label)
    for number, group in enumerate(groups):
        chance = results[(results["label"] == "random") & (results["user.mismatch"] == group)]["revenue"].mean()
        label = "random" if number == 0 else "_"  # the legend skips labels that begin with _
        axes.hlines(chance, number - 0.42, number + 0.42, color=FAINT, linestyle="--", label=label)
    axes.set_xticks(range(len(groups)), [f"mismatch {group:g}" for group in groups])
    axes.set(title="Revenue by observed category (preset classic)", ylabel="revenue per session")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(FOLDER / "value-of-perception.png", dpi=100)


def main() -> None:
    """Draws all pictures of docs/model.md, or that of the experiment whose folder is given."""
    FOLDER.mkdir(exist_ok=True)
    if sys.argv[1:]:
        value_of_perception(Path(sys.argv[1]))
        return
    for draw in PICTURES:
        figure = Figure(figsize=(5, 2.7), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(FOLDER / f"model-{draw.__name__.replace('_', '-')}.png", dpi=100)


if __name__ == "__main__":
    main()
