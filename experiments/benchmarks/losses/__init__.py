"""Loss and gradient of one batch: time and memory of ours and of peers'."""
