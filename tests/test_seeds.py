from preroll.seeds import AGENT, EVALUATION, TRAINING, derive


def test_a_seed_and_a_purpose_always_give_the_same_63_bits() -> None:
    assert derive(0, TRAINING) == derive(0, TRAINING) == 1114221990052430739
    assert all(0 <= derive(seed, AGENT) < 2**63 for seed in range(1000))


def test_no_two_trainings_or_evaluations_share_a_user() -> None:
    lanes, seeds = 4096, range(200)
    streams: set[int] = set()
    for purpose in (TRAINING, EVALUATION):
        for seed in seeds:
            base = derive(seed, purpose)
            streams.update(range(base, base + lanes))
    assert len(streams) == 2 * len(seeds) * lanes
