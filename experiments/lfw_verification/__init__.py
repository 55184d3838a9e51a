"""Whether two faces are of one person, by published protocols."""
