"""How long the runs of a decoding may be asked to be: for the config, and for what decodes."""

#: Most bases of a least length: so many scores are held for each state.
LONGEST_MINIMUM = 100_000
