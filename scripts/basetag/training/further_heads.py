"""What a training on further labels needs besides: some of each to learn, and heads that rest."""

from __future__ import annotations

from basetag.corpus import Corpus
from basetag.errors import InputError
from basetag.label_statistics import label_counts
from basetag.networks.tagger_network import TaggerNetwork
from basetag.segments import Segments


def check_further_labels(corpus: Corpus, training: Segments) -> None:
    """Raise InputError for further labels of which the training split has none."""
    for own in corpus.further:
        if not label_counts(corpus.as_labelled_by(own), training).any():
            raise InputError(
                f"no base of the training split has a label of the head {own.name!r}",
                advice="label some, draw the split with another seed, or remove the head",
            )


def still_heads(network: TaggerNetwork) -> None:
    """Exempt heads whose loss counts nothing from training: all else goes on as without them."""
    for name, importance in network.importance.items():
        if not importance:
            network.further_head(name).requires_grad_(requires_grad=False)
