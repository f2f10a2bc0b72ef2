"""Rule predict_head: posteriors of a further head of a network on the test split."""

from pathlib import Path

from basetag.corpus import Corpus
from basetag.devices import choose_device
from basetag.further_prediction import predict_further
from basetag.gpu_request import gpus_asked
from basetag.job_log import job_log
from basetag.network_tagger import load_network
from basetag.splits.table import read_split
from basetag.tagger import feature_names


def main(
    tagger: Path,
    gpus: int,
    memory: int,
    corpus: Path,
    split: Path,
    head: str,
    posteriors: Path,
    threads: int,
) -> None:
    network = load_network(tagger, choose_device(gpus), memory=memory)
    opened = Corpus.open(corpus, feature_names(network.card))
    test = read_split(split, opened)["test"]
    predict_further(network, opened, test, head, posteriors, threads)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            Path(snakemake.input.tagger),
            gpus_asked(snakemake.resources.gpu, snakemake.resources.get("gres")),
            snakemake.resources.mem_mb * 2**20,
            Path(snakemake.input.corpus[0]).parent,
            Path(snakemake.input.split),
            snakemake.wildcards.head,
            Path(snakemake.output.posteriors),
            snakemake.threads,
        )
