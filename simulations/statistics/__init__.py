"""Statistics for comparisons over few seeds.

Scores are float64 [n, m]: n runs (seeds) of each of m tasks (points of an experiment), larger is better; usually
revenue as a share of the exact optimum. Sources: Agarwal et al., "Deep Reinforcement Learning at the Edge of the
Statistical Precipice", NeurIPS 2021; Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979.
``docs/statistics.md`` has the measured coverage of the intervals.

Read in this order: intervals → aggregates → bootstrap → paired → holm → comparison.
"""

#: Fewest runs for a bootstrap interval; a percentile bootstrap of 5 runs covers 83 %, not 95.
FEWEST_FOR_BOOTSTRAP = 10
