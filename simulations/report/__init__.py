"""Reports of experiments and of runs, each one self-contained HTML page, and pictures of learning curves.

Read in this order: data → findings → charts → heat_maps → policies → sample_session → tables → losses → page, whose
HTML is ``report.html.jinja`` with ``report.css``; then runs_page and curve_plot.
"""
