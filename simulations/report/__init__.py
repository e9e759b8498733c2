"""The report: everything that an experiment showed, on one page of HTML that needs nothing else.

Read in this order: material → words → charts → maps → sample → tables → page.
"""
