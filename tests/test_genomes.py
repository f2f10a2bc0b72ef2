"""Fetching a genome, against a stub of NCBI's E-utilities on this machine."""

from __future__ import annotations

import errno
import http.client
import json
import threading
import time
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from basetag.errors import InputError
from basetag.fasta import read_fasta
from basetag.genomes import fetch_genome
from basetag.labelling.genbank import read_genbank, read_genbank_sequences

SEQUENCE = "ACGTN" * 40
FASTA = f">NC_000001.1 a small phage\n{SEQUENCE[:80]}\n{SEQUENCE[80:160]}\n{SEQUENCE[160:]}\n\n"
SUMMARY = {
    "result": {
        "uids": ["7"],
        "7": {"accessionversion": "NC_000001.1", "title": "a small phage", "slen": 200},
    }
}
GENBANK = f"""\
LOCUS       NC_000001                200 bp    DNA     linear   PHG 01-JAN-2000
DEFINITION  a small phage.
ACCESSION   NC_000001
VERSION     NC_000001.1
FEATURES             Location/Qualifiers
     CDS             11..19
                     /locus_tag="one"
ORIGIN
        1 {SEQUENCE.lower()}
//
"""


class Stub:
    """Answers each utility with the next of its answers; the last one stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, str, str]]] = {
            "esummary.fcgi": [(200, "application/json", json.dumps(SUMMARY))],
            "efetch.fcgi": [(200, "text/plain", FASTA)],
        }
        self.requests: list[tuple[str, dict[str, list[str]]]] = []
        self.announce_more = 0
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                tool = parts.path.rsplit("/", 1)[-1]
                stub.requests.append((tool, parse_qs(parts.query)))
                answers = stub.answers[tool]
                code, kind, text = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text) + stub.announce_more))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/eutils/"

    def calls(self, tool: str) -> int:
        return sum(name == f"{tool}.fcgi" for name, _ in self.requests)


@pytest.fixture(autouse=True)
def no_pause_between_requests(monkeypatch):
    """NCBI asks for one, and Biopython keeps it; this machine does not mind."""
    monkeypatch.setattr("Bio.Entrez.time", SimpleNamespace(time=time.time, sleep=lambda _: None))


@pytest.fixture
def ncbi(monkeypatch) -> Iterator[Stub]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NCBI_EMAIL", "somebody@example.org")
    stub = Stub()
    thread = threading.Thread(target=stub.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield stub
    stub.server.shutdown()
    stub.server.server_close()
    thread.join()


def fetched(ncbi, path, accession="NC_000001.1", form="fasta"):
    return fetch_genome(accession, path, form=form, base_url=ncbi.url, first_pause=0.001)


def nothing_left(folder) -> bool:
    return list(folder.iterdir()) == []


def test_a_genome_arrives_as_bgzf_fasta_with_its_summary(ncbi, tmp_path):
    genome = fetched(ncbi, tmp_path / "phage.fa.gz")
    assert (genome.accession, genome.title, genome.bases) == ("NC_000001.1", "a small phage", 200)
    assert list(read_fasta(tmp_path / "phage.fa.gz")) == [
        ("NC_000001.1", "a small phage", SEQUENCE.encode())
    ]
    assert (tmp_path / "phage.fa.gz").read_bytes()[12:14] == b"BC"


def test_requests_carry_the_email_and_key_of_the_environment(ncbi, tmp_path, monkeypatch):
    monkeypatch.setenv("NCBI_API_KEY", "key of a test")
    fetched(ncbi, tmp_path / "phage.fa.gz")
    for _, query in ncbi.requests:
        assert query["email"] == ["somebody@example.org"]
        assert query["api_key"] == ["key of a test"]
        assert query["id"] == ["NC_000001.1"]
        assert query["db"] == ["nuccore"]


@pytest.mark.parametrize("code", [500, 502, 429])
def test_a_passing_error_of_the_server_is_tried_again(ncbi, tmp_path, code):
    ncbi.answers["efetch.fcgi"].insert(0, (code, "text/plain", "wait"))
    ncbi.answers["esummary.fcgi"].insert(0, (code, "text/plain", "wait"))
    assert fetched(ncbi, tmp_path / "phage.fa.gz").bases == 200
    assert ncbi.calls("efetch") == ncbi.calls("esummary") == 2


def test_a_truncated_sequence_is_tried_again_and_never_kept(ncbi, tmp_path):
    ncbi.answers["efetch.fcgi"] = [(200, "text/plain", FASTA[:100])]
    with pytest.raises(InputError, match=r"bases came where the summary states 200.*fasta:"):
        fetched(ncbi, tmp_path / "phage.fa.gz")
    assert ncbi.calls("efetch") == 6
    assert nothing_left(tmp_path)


def test_a_full_disk_is_not_laid_at_ncbis_door(ncbi, tmp_path, monkeypatch):
    class FullDisk:
        def __init__(self, *_: object) -> None:
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write(self, _: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pysam.BGZFile", FullDisk)
    with pytest.raises(OSError, match="No space left"):
        fetched(ncbi, tmp_path / "phage.fa.gz")
    assert ncbi.calls("efetch") == 1
    assert nothing_left(tmp_path)


@pytest.mark.parametrize("failure", [TimeoutError("timed out"), OSError(101, "unreachable")])
def test_a_connection_that_fails_while_it_is_read_is_tried_again(
    ncbi, tmp_path, monkeypatch, failure
):
    failures = [failure]
    read = http.client.HTTPResponse.read1

    def failing(answer, *arguments):
        if failures and ncbi.calls("efetch"):
            raise failures.pop()
        return read(answer, *arguments)

    monkeypatch.setattr(http.client.HTTPResponse, "read1", failing)
    assert fetched(ncbi, tmp_path / "phage.fa.gz").bases == 200
    assert not failures
    assert ncbi.calls("efetch") == 2


def test_a_connection_cut_short_is_tried_again_and_never_kept(ncbi, tmp_path):
    ncbi.announce_more = 50
    with pytest.raises(InputError, match="could not be fetched"):
        fetched(ncbi, tmp_path / "phage.fa.gz")
    assert nothing_left(tmp_path)


def test_an_html_page_in_place_of_fasta_is_tried_again(ncbi, tmp_path):
    ncbi.answers["efetch.fcgi"].insert(0, (200, "text/html", "<html>busy</html>"))
    assert fetched(ncbi, tmp_path / "phage.fa.gz").bases == 200


def test_an_html_page_for_ever_is_an_error_that_says_so(ncbi, tmp_path):
    ncbi.answers["efetch.fcgi"] = [(200, "text/html", "<html>busy</html>")]
    with pytest.raises(InputError, match="something other than FASTA"):
        fetched(ncbi, tmp_path / "phage.fa.gz")
    assert nothing_left(tmp_path)


@pytest.mark.parametrize(
    "answer",
    [
        (200, "application/json", '{"error": "Invalid uid NC_999999 at position= 0"}'),
        (200, "application/json", '{"result": {"uids": []}}'),
        (200, "application/json", '{"result": {"uids": ["7"], "7": {"error": "no summary"}}}'),
        (400, "text/plain", "Failed to understand id"),
    ],
)
def test_an_unknown_accession_is_named_and_asked_for_once(ncbi, tmp_path, answer):
    ncbi.answers["esummary.fcgi"] = [answer]
    with pytest.raises(InputError, match=r"knows no nucleotide record 'NC_999999'.*fasta:"):
        fetched(ncbi, tmp_path / "phage.fa.gz", "NC_999999")
    assert ncbi.calls("esummary") == 1
    assert nothing_left(tmp_path)


def test_a_refused_key_is_not_tried_again(ncbi, tmp_path):
    ncbi.answers["esummary.fcgi"] = [(403, "text/plain", "no")]
    with pytest.raises(InputError, match="NCBI_API_KEY"):
        fetched(ncbi, tmp_path / "phage.fa.gz")
    assert ncbi.calls("esummary") == 1


def test_offline_the_error_is_one_line_and_advises_a_local_file(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("NCBI_EMAIL", "somebody@example.org")
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = server.server_port
    server.server_close()
    with pytest.raises(InputError, match=r"refused.*'fasta:'") as caught:
        fetch_genome(
            "NC_000001.1", tmp_path / "x.gz", base_url=f"http://127.0.0.1:{port}", first_pause=0.001
        )
    assert "\n" not in str(caught.value)
    assert nothing_left(tmp_path)


@pytest.mark.parametrize("accession", ["lambda", "NC_1", "NC_000001.1,NC_000002.1", "", "../x"])
def test_what_is_no_accession_is_refused_before_any_request(ncbi, tmp_path, accession):
    with pytest.raises(InputError, match="no nucleotide accession"):
        fetched(ncbi, tmp_path / "x.gz", accession)
    assert ncbi.requests == []


def test_an_assembly_is_told_apart_from_a_record(ncbi, tmp_path):
    with pytest.raises(InputError, match="is an assembly"):
        fetched(ncbi, tmp_path / "x.gz", "GCF_000005845.2")


@pytest.mark.parametrize(
    "accession", ["NC_001416.1", "U00096.3", "NZ_CP012345.1", "J02459", "NZ_JAABCD010000001.1"]
)
def test_real_forms_of_accessions_are_taken(ncbi, tmp_path, accession):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fetched(ncbi, tmp_path / "x.gz", accession)
    assert ncbi.calls("efetch") == 1


def test_biopython_is_left_as_it_was(ncbi, tmp_path):
    from Bio import Entrez

    before = Entrez.urlopen, Entrez.max_tries
    fetched(ncbi, tmp_path / "x.gz")
    assert (Entrez.urlopen, Entrez.max_tries) == before


def test_a_record_arrives_with_its_features(ncbi, tmp_path):
    ncbi.answers["efetch.fcgi"] = [(200, "text/plain", GENBANK)]
    assert fetched(ncbi, tmp_path / "x.gb.gz", form="genbank").bases == 200
    assert ncbi.requests[-1][1]["rettype"] == ["gbwithparts"]
    ((name, _, text),) = read_genbank_sequences(tmp_path / "x.gb.gz")
    assert (name, text.upper()) == ("NC_000001.1", SEQUENCE.encode())
    (gene,) = read_genbank(tmp_path / "x.gb.gz")
    assert (gene.kind, gene.start, gene.end, gene.strand) == ("CDS", 10, 19, "+")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (FASTA, "something other than GenBank"),
        (GENBANK.removesuffix("//\n"), "no sound GenBank"),
        (GENBANK.replace("ACGTN".lower() * 40, "acgtn" * 20).replace("200 bp", "100 bp"), "100"),
        (GENBANK[: GENBANK.index("ORIGIN")] + "//\n", "no sound GenBank"),
    ],
    ids=["FASTA", "cut off", "shorter", "without sequence"],
)
def test_what_is_no_whole_record_with_its_features_is_never_kept(ncbi, tmp_path, answer, told):
    ncbi.answers["efetch.fcgi"] = [(200, "text/plain", answer)]
    with pytest.raises(InputError, match=told):
        fetched(ncbi, tmp_path / "x.gb.gz", form="genbank")
    assert ncbi.calls("efetch") == 6
    assert nothing_left(tmp_path)
