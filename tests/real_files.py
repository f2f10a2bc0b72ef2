"""Real files of every kind, each read as its kind and held against what other tools make of it."""

import csv
import gzip
import shutil
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import pysam
from Bio import SeqIO

from basetag.alphabet import DNA, Alphabet
from basetag.errors import InputError
from basetag.fasta import LetterTable, encode_fasta
from basetag.labelling.bed import read_bed
from basetag.labelling.genbank import read_genbank, read_genbank_sequences
from basetag.labelling.gff import read_gff
from basetag.labelling.sequence_table import read_sequence_table

PROTEINS = Alphabet.of_letters("ACDEFGHIKLMNPQRSTVWYBZXUO*-")

#: Tables of sequences, and the columns of the sequences and, where each residue has one, the state.
TABLES = {"mhcii_pan": ("peptide_seq", None), "protein_ss": ("input", "expected")}


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Parameters
    ----------
    kind : str
        What it was read as.
    found : str
        What it holds, or the line of its error.
    others : str
        What other tools make of it: `agrees` or `refuses` behind their names; `differs` is a bug.
    is_error : bool
    """

    kind: str
    found: str
    others: str
    is_error: bool


def outcome(path: Path) -> Outcome | None:
    """Read a file as what its name and folder say it is; None for texts about the files."""
    if path.name in ("SOURCE.txt", "LICENSE"):
        return None
    if path.parent.name in TABLES:
        return _table(path, *TABLES[path.parent.name])
    if path.parent.name == "promoters_uci":
        return _table(path, "dna", None)
    if path.suffix in (".gb", ".gbk"):
        return _genbank(path)
    if ".gff" in path.name:
        return _features(path, "GFF", read_gff, columns=9)
    if path.suffix in (".bed", ".tsv"):
        return _features(path, "BED", read_bed, columns=3)
    return _fasta(path)


def files_of(data: Path) -> list[Path]:
    """Return all files of the folder of real data, in order."""
    return sorted(path for path in data.glob("*/*") if path.is_file())


def _opened(path: Path):
    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open()


def _as_error(kind: str, path: Path, error: InputError, others: str = "") -> Outcome:
    line = str(error)
    assert "\n" not in line
    return Outcome(kind, line.replace(f"{path.parent}/", ""), others, True)


def _fasta(path: Path) -> Outcome:
    try:
        found = _encoded(path, DNA)
    except InputError as error:
        try:
            proteins = _encoded(path, PROTEINS)
        except InputError:
            return _as_error("FASTA", path, error, _others(path, None))
        note = _others(path, {name: text.upper() for name, text in proteins.items()})
        return _as_error("FASTA", path, error, f"as proteins {_counted(proteins)}: {note}")
    return Outcome("FASTA", _counted(found), _others(path, found), False)


def _encoded(path: Path, alphabet: Alphabet) -> dict[str, str]:
    names: list[str] = []
    texts: list[str] = []
    for block in encode_fasta(path, LetterTable.of_alphabet(alphabet)):
        text = alphabet.decode(memoryview(block.values))
        if block.continued:
            texts[-1] += text[: block.continued]
        at = block.continued
        for name, length in zip(block.names, block.lengths, strict=True):
            names.append(name)
            texts.append(text[at : at + length])
            at += length
    return dict(zip(names, texts, strict=True))


def _counted(found: dict[str, str]) -> str:
    bases = sum(map(len, found.values()))
    return f"{len(found):,} record{'' if len(found) == 1 else 's'}, {bases:,} letters"


def _others(path: Path, found: dict[str, str] | None) -> str:
    """Say what Biopython and samtools make of a FASTA file, against what was found."""
    said = []
    readers = {"Biopython": _by_biopython}
    if shutil.which("samtools"):
        readers["samtools faidx"] = _by_samtools
    for name, reader in readers.items():
        theirs = reader(path)
        if theirs is None:
            said.append(f"{name} refuses")
        elif found is None:
            said.append(f"{name} reads {_counted(theirs)}")
        else:
            same = {n: _plain(s) for n, s in theirs.items()} == {
                n: _plain(s) for n, s in found.items()
            }
            said.append(f"{name} {'agrees' if same else 'differs'}")
    return "; ".join(said)


def _plain(text: str) -> str:
    return text.upper().replace("U", "T")


def _by_biopython(path: Path) -> dict[str, str] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with _opened(path) as file:
                return {record.id: str(record.seq) for record in SeqIO.parse(file, "fasta")} or None
        except (ValueError, OSError):
            return None


def _by_samtools(path: Path) -> dict[str, str] | None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "plain.fa")  # of gzip files, samtools reads BGZF alone
        with _opened(path) as file, copy.open("w") as target:
            shutil.copyfileobj(file, target)
        run = subprocess.run(["samtools", "faidx", copy], capture_output=True, check=False)
        if run.returncode or not copy.with_name(f"{copy.name}.fai").read_text():
            return None
        with pysam.FastaFile(str(copy)) as file:
            return {name: file.fetch(name) for name in file.references}


def _genbank(path: Path) -> Outcome:
    try:
        found = {name: text.decode() for name, _, text in read_genbank_sequences(path)}
        features = sum(1 for _ in read_genbank(path))
    except InputError as error:
        return _as_error("GenBank", path, error)
    theirs = {record.id: str(record.seq) for record in SeqIO.parse(path, "genbank")}
    parts = sum(
        part.ref is None and len(part) > 0
        for record in SeqIO.parse(path, "genbank")
        for feature in record.features
        for part in feature.location.parts
    )
    same = found == theirs and features == parts
    told = f"{_counted(found)}, {features:,} parts of features"
    return Outcome("GenBank", told, f"Biopython {'agrees' if same else 'differs'}", False)


def _features(path: Path, kind: str, reader, columns: int) -> Outcome:
    try:
        found = sum(1 for _ in reader(path))
    except InputError as error:
        return _as_error(kind, path, error)
    with _opened(path) as file:
        lines = sum(line.count("\t") >= columns - 1 for line in file if line[0] not in "#>")
    same = found == lines
    return Outcome(kind, f"{found:,} features", f"its lines {'agree' if same else 'differ'}", False)


def _table(path: Path, sequence: str, states: str | None) -> Outcome:
    try:
        found = [
            (row.sequence, row.states)
            for row in read_sequence_table(path, sequence=sequence, states=states)
        ]
    except InputError as error:
        return _as_error("table", path, error)
    with _opened(path) as file:
        theirs = [(row[sequence], row[states] if states else None) for row in csv.DictReader(file)]
    letters = sum(len(text) for text, _ in found)
    told = f"{len(found):,} rows, {letters:,} letters" + (" with states" if states else "")
    return Outcome("table", told, f"csv {'agrees' if found == theirs else 'differs'}", False)
