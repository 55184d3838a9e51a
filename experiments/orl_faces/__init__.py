"""Classical face recognition and a triplet embedding on the AT&T faces."""
