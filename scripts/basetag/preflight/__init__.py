"""What can be told of a run before it starts: of its files, its splits, its cost and its machine.

The files are read by the readers that encode them later, so that a mistake is told in the same
words, in seconds, and before anything is computed. Nothing here needs torch.
"""
