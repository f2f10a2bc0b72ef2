"""What `basetag.bgzf` promises: files that every reader of BGZF takes, the same from any thread."""

import gzip

import numpy as np
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basetag.bgzf import BGZFWriter


def write(path, pieces, threads=1):
    with BGZFWriter(path, threads) as file:
        for piece in pieces:
            file.write(piece)
    return path


@given(st.lists(st.integers(0, 200_000), max_size=4), st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_what_is_written_is_read_back_by_gzip_and_by_pysam(tmp_path_factory, sizes, seed):
    path = tmp_path_factory.mktemp("bgzf") / "file.gz"
    random = np.random.default_rng(seed)
    pieces = [random.bytes(size) for size in sizes]  # nothing to compress: the largest blocks
    write(path, pieces, threads=2)
    assert gzip.decompress(path.read_bytes()) == b"".join(pieces)
    with pysam.BGZFile(str(path)) as file:
        assert file.read() == b"".join(pieces)


def test_a_place_in_the_middle_can_be_found_without_reading_what_lies_before(tmp_path):
    text = b">chr\n" + b"".join(b"ACGT" * 15 + b"%020d" % i + b"\n" for i in range(5000))
    path = write(tmp_path / "genome.fa.gz", [text.replace(b"0", b"A")])
    with pysam.FastaFile(str(path)) as file:
        expected = text.replace(b"0", b"A").replace(b"\n", b"")[4:].decode()
        assert file.fetch("chr", 300_000, 300_100) == expected[300_000:300_100]


def test_pieces_and_threads_change_no_byte(tmp_path):
    data = b"ACGTTGCAAC" * 30_000
    whole = write(tmp_path / "a.gz", [data]).read_bytes()
    cut = [data[at : at + 777] for at in range(0, len(data), 777)]
    assert write(tmp_path / "b.gz", cut, threads=3).read_bytes() == whole
    assert write(tmp_path / "c.gz", [data], threads=2).read_bytes() == whole


def test_a_file_that_fails_has_no_end_mark(tmp_path):
    def pieces():
        yield b"ACGT"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write(tmp_path / "a.gz", pieces())
    assert not (tmp_path / "a.gz").read_bytes()
