"""Train a face embedding with triplets, without the ways in which that fails."""
