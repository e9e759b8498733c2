"""preroll.simulations."""
