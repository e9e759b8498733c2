"""Inspection of a finished catalog: reports, look-up of videos, contact sheets, CSV export.

Read in this order: lookup → category_report → contact_sheet → csv_export.
"""
