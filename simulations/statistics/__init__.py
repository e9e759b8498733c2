"""Statistics that are honest about few seeds.

Scores are float64 [n, m]: n runs (seeds) of each of m tasks (points of an experiment), larger is better; usually
revenue as a share of the exact optimum. Sources: Agarwal et al., "Deep Reinforcement Learning at the Edge of the
Statistical Precipice", NeurIPS 2021; Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979. What the
intervals cover is measured in ``docs/statistics.md``.

Read in this order: aggregates → bootstrap → paired → holm → comparison → coverage.
"""

#: From so many runs on a bootstrap is given; a percentile bootstrap of 5 covers 83 %, not 95.
FEWEST_FOR_BOOTSTRAP = 10
