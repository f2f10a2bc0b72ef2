"""Corpora of records with a class or a number each, written from texts."""

from basetag.alphabet import DNA
from basetag.classified_corpus import write_classified_fasta, write_classified_table
from basetag.corpus import Corpus


def corpus_of_table(states, scheme, folder, text, **changes):
    """Return the corpus of a table; `changes` are laid over the scheme."""
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    write_classified_table(folder / "corpus", path, DNA, states, scheme | changes)
    return Corpus.open(folder / "corpus")


def corpus_of_fasta(states, scheme, folder, sequences, table):
    """Return the corpus of a FASTA file and a table."""
    paths = folder / "x.fa", folder / "x.tsv"
    for path, text in zip(paths, (sequences, table), strict=True):
        path.write_text(text)
    write_classified_fasta(folder / "corpus", *paths, DNA, states, scheme)
    return Corpus.open(folder / "corpus")
