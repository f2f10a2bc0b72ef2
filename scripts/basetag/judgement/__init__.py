"""How good a tagger is: its measures, their intervals, what chance reaches, and the ceiling.

Nothing here knows how posteriors and calls were made, nor how its figures are shown.
"""
