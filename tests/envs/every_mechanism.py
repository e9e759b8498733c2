"""A scenario with every mechanism on, for tests that want them all at once."""

from preroll.envs.scenario.scenario import Scenario

AD = {"seconds": 10, "view_probability": 0.6, "reward": 1.0}
LONG = {"seconds": 30, "view_probability": 0.35, "reward": 2.5}

EVERYTHING = Scenario.load(
    {
        "name": "everything",
        "session": {"horizon": 6, "slots": ["pre", "mid"], "no_ad": True},
        "ads": {name: {"short": AD, "long": LONG} for name in ("cats", "cars", "concerts")},
        "recall_weight": 0.5,
        "user": {
            "mismatch": 0.3,
            "position": {"mid": 1.3},
            "repeat": 0.7,
            "fatigue": {
                "levels": 4,
                "recovery": 1,
                "gain": {"short": [0, 2], "long": [1, 3]},
                "wear": [1.0, 0.8, 0.6, 0.3],
            },
            "leave": {
                "hazard": {"none": [0.01, 0.01], "short": [0.05, 0.02], "long": [0.1, 0.06]},
                "fatigue": [0, 0.01, 0.03, 0.1],
            },
            "segments": [
                {"name": "patient", "share": 0.7, "appeal": {"long": 1.2}},
                {"name": "hasty", "share": 0.3, "appeal": {"long": 0.5, "cats.short": 1.1}, "leave": 2.0},
            ],
        },
        "recommender": {"jump": 0.2, "rank_decay": 0.7},
        "observe": {
            "memorability": True,
            "fatigue": True,
            "last_ad": True,
            "last_view": True,
            "position": True,
            "segment": True,
        },
        "drift": [{"from_session": 3, "set": {"ads.cats.long.view_probability": 0.9, "user.mismatch": 0.5}}],
    }
)
