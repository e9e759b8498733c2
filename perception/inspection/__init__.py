"""Inspection of a finished catalog: reports, look-up of videos, contact sheets, CSV export."""
