"""Files from strangers: how large they may be, and readers that refuse the others before they unfold."""
