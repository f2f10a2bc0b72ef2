"""An annotation on disk: the called segments and the posteriors of a genome, as tracks.

From what a tagger says of a genome come BED and GFF3 with their indices, a bigWig for each state,
and tables of what was called. Nothing here knows how a tagger works.
"""
