"""What a network is made of: its parts, each a module, and the whole in `tagger_network`.

Nothing here knows of files, of training or of which device computes.
"""
