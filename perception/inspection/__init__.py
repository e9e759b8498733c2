"""A finished catalog looked at: reports, look-up of videos, contact sheets, CSV."""
