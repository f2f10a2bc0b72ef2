"""How a network is trained: from a corpus and settings to weights, cut off and resumed or not."""
