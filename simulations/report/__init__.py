"""Report of an experiment: all results on one self-contained HTML page.

Read in this order: data → findings → charts → heat_maps → policies → sample_session → tables → losses → curve_plot → page, whose
HTML is ``report.html.jinja`` with ``report.css`` and ``report.js``.
"""
