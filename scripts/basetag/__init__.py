"""Basetag: label every base of a sequence with a network, and say how good the labels are.

The library behind the workflow's rules. It knows nothing of Snakemake: every module can be
imported and tested alone. ``docs/architecture.md`` shows its floors; lower ones never import
higher ones, and only the networks' floor imports torch.
"""

__version__ = "0.1.0"
