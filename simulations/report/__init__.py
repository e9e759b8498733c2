"""Report of an experiment: all results on one self-contained HTML page.

Read in this order: data → findings → charts → heat_maps → sample_session → tables → page.
"""
