"""Wrong inputs, one for each thing that can be wrong with a user's files, and what each is told."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyBigWig
import pysam

GENOME = ">chr1\nACGTACGTACGTACGTACGTACGTACGTAC\n>chr2\nGGCCGGCCGGCCGGCCGGCC\n"
STATES = ">chr1\nHHHHHHHHHHHHHHHLLLLLLLLLLLLLLL\n>chr2\nHHHHHHHHHHLLLLLLLLLL\n"

#: Three records, one for each split.
THREE = {
    "genome.fa": ">a\nACGTAC\n>b\nGGTTGG\n>c\nACACAC\n",
    "states.fa": ">a\nHHHLLL\n>b\nHHHLLL\n>c\nHLLLHH\n",
}
BY_NAME = {"by": "name", "train": ["a"], "validation": ["b"], "test": ["c"]}

FASTA_LABELS = {"fasta": "states.fa", "states": {"H": "GC-rich", "L": "GC-poor"}}
CODING = {"features": {"CDS": "coding"}, "background": "noncoding"}
STRANDED = {**CODING, "stranded": True}
CODONS = {**STRANDED, "codon_positions": True}
ISLANDS = {"bed": "islands.bed", "features": "island", "background": "sea"}
TRACK = {"bigwig": "track.bw", "threshold": 2.0, "state": "open", "background": "closed"}
TABLE = {"table": "rows.tsv", "states": {"H": "GC-rich", "L": "GC-poor"}}

GENBANK = """\
LOCUS       {name}              60 bp    DNA     {shape}  BCT 01-JAN-2020
ACCESSION   {name}
VERSION     {name}.1
FEATURES             Location/Qualifiers
     source          1..60
     CDS             {location}
                     /codon_start={codon_start}
ORIGIN
        1 {letters}
//
"""
SIXTY = "acgtacgtac gtacgtacgt acgtacgtac gtacgtacgt acgtacgtac gtacgtacgt"


def genbank(
    *, location="4..33", codon_start=1, letters=SIXTY, name="AB000001", shape="linear"
) -> str:
    """A record of 60 bases with one coding sequence."""
    return GENBANK.format(
        location=location, codon_start=codon_start, letters=letters, name=name, shape=shape
    )


def gff(*lines: str, above: str = "") -> str:
    """A GFF3 file; blanks part the columns of a line."""
    rows = ["\t".join(line.split()) for line in lines]
    return "\n".join(["##gff-version 3", *([above] if above else []), *rows]) + "\n"


def bed(*lines: str) -> str:
    return "".join("\t".join(line.split()) + "\n" for line in lines)


def compressed(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(gzip.compress(text.encode()))


def cut_short(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(gzip.compress(text.encode())[:-12])


def flipped(text: str) -> Callable[[Path], None]:
    """A gzip file of which one byte in the middle is another."""

    def write(path: Path) -> None:
        data = bytearray(gzip.compress(text.encode()))
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)

    return write


def bgzf_without_its_end(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with pysam.BGZFile(str(path), "wb", None) as file:
            file.write(text.encode())
        path.write_bytes(path.read_bytes()[:-28])

    return write


def bigwig(*records: tuple[str, int], value: float = 3.0) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with pyBigWig.open(str(path), "w") as file:
            file.addHeader(list(records))
            for name, length in records:
                file.addEntries([name], [0], ends=[length // 2], values=[value])

    return write


@dataclass(frozen=True)
class Wrong:
    """A wrong input.

    Parameters
    ----------
    called : str
        What is wrong.
    files : dict
        Text, bytes or a function that writes, by name; `genome.fa` and `states.fa` are right.
    dataset : dict
        The dataset's section of the config.
    tells : tuple of str
        What its line says, in this order: where, what was found and expected, what to do.
    sections : dict
        Further sections of the config.
    """

    called: str
    tells: tuple[str, ...]
    files: dict = field(default_factory=dict)
    dataset: dict = field(default_factory=lambda: {"fasta": "genome.fa", "labels": FASTA_LABELS})
    sections: dict = field(default_factory=dict)


def own(labels: dict, **more) -> dict:
    return {"fasta": "genome.fa", "labels": labels, **more}


def fasta(name: str, content, *tells: str) -> Wrong:
    return Wrong(name, ("genome.fa", *tells), {"genome.fa": content})


def states(name: str, content, *tells: str) -> Wrong:
    return Wrong(name, ("states.fa", *tells), {"states.fa": content})


def genes(name: str, text, *tells: str, labels=STRANDED, **more) -> Wrong:
    dataset = own({"gff": "genes.gff", **labels, **more})
    return Wrong(name, ("genes.gff", *tells), {"genes.gff": text}, dataset)


def islands(name: str, text, *tells: str, **more) -> Wrong:
    return Wrong(name, ("islands.bed", *tells), {"islands.bed": text}, own({**ISLANDS, **more}))


def track(name: str, write, *tells: str) -> Wrong:
    return Wrong(name, ("track.bw", *tells), {"track.bw": write}, own(TRACK))


def records(name: str, text, *tells: str) -> Wrong:
    dataset = {"genbank": "genome.gb", "labels": CODONS}
    return Wrong(name, ("genome.gb", *tells), {"genome.gb": text}, dataset)


def rows(name: str, text, *tells: str, **more) -> Wrong:
    return Wrong(name, ("rows.tsv", *tells), {"rows.tsv": text}, {**TABLE, **more})


def numbers(name: str, text, *tells: str, kind: str = "bedgraph") -> Wrong:
    dataset = own(FASTA_LABELS, features={"depth": {kind: "depth.txt"}})
    return Wrong(name, ("depth.txt", *tells), {"depth.txt": text}, dataset)


def splits(name: str, split: dict, *tells: str, table: str | None = None) -> Wrong:
    files = {} if table is None else {"splits.tsv": table}
    return Wrong(name, tells, files, own(FASTA_LABELS, split=split))


def genome(name: str, text, *tells: str) -> Wrong:
    taggers = [{"dataset": "mine", "tagger": "majority"}]
    sections = {"annotate": {"other": {"fasta": "other.fa", "taggers": taggers}}}
    dataset = own(FASTA_LABELS, split=BY_NAME)
    return Wrong(name, ("other.fa", *tells), {"other.fa": text, **THREE}, dataset, sections)


def configs(name: str, dataset: dict, *tells: str) -> Wrong:
    return Wrong(name, ("config.yaml, line ", *tells), {}, dataset)


HEADED = "record\tdepth\n"
RIGHT_ROW = "ACGT\tHHLL\n"

#: What the config alone tells.
IN_CONFIG = [
    configs(
        "a file that is not there",
        {"fasta": "genom.fa", "labels": FASTA_LABELS},
        "datasets.mine.fasta",
        "no such file: 'genom.fa'",
        "genome.fa",
    ),
    configs(
        "a folder in place of a file",
        {"fasta": ".", "labels": FASTA_LABELS},
        "datasets.mine.fasta",
        "is a folder, not a file",
    ),
    configs(
        "a misspelt key",
        {"fasta": "genome.fa", "lables": FASTA_LABELS},
        "datasets.mine.lables",
        "did you mean labels?",
    ),
    configs(
        "an unknown way to split",
        own(FASTA_LABELS, split={"by": "chromosome"}),
        "datasets.mine.split.by",
        "'chromosome'",
        "record",
    ),
    configs(
        "fractions that do not sum to 1",
        own(FASTA_LABELS, split={"fractions": {"train": 0.8, "validation": 0.2, "test": 0.2}}),
        "datasets.mine.split.fractions",
        "sum to 1.2, not to 1",
        "correct the one that is wrong",
    ),
    configs(
        "a gap longer than half a block",
        own(FASTA_LABELS, split={"by": "block", "block": 1000, "gap": 600}),
        "datasets.mine.split.gap",
        "600 bases is not shorter than half a block of 1000",
    ),
    configs(
        "a state of two letters",
        own({"fasta": "states.fa", "states": {"GC": "rich", "L": "poor"}}),
        "datasets.mine.labels.states",
        "'GC' cannot stand for one base",
    ),
    configs(
        "one state alone",
        own({"bed": "states.fa", "features": "island"}),
        "datasets.mine.labels",
        "'island' would be the only state",
        "name a background",
    ),
    configs(
        "a state in priority that no feature gives",
        own({"gff": "states.fa", **CODING, "priority": ["codng"]}),
        "datasets.mine.labels.priority",
        "no feature gives the state 'codng'",
        "did you mean coding?",
    ),
    configs(
        "codon positions without strands",
        own({"gff": "states.fa", **CODING, "codon_positions": True}),
        "datasets.mine.labels.codon_positions",
        "add stranded: true",
    ),
    configs(
        "labels from two files at once",
        own({"gff": "states.fa", "bed": "states.fa", **CODING}),
        "datasets.mine.labels",
        "gff",
        "bed",
    ),
    configs(
        "text in place of a number",
        own({**TRACK, "bigwig": "states.fa", "threshold": "high"}),
        "datasets.mine.labels.threshold",
        "'high'",
        "number",
    ),
]

#: What the files tell when they are read.
IN_FILES = [
    # ---- Sequences
    fasta("an empty FASTA", "", "holds no sequence", "is it the right file?"),
    fasta("a FASTA of empty records", ">a\n>b\n", "all of its 2 records are empty", "right file?"),
    fasta(
        "text before the first header", "ACGT\n>chr1\nAC\n",
        "line 1", "found 'ACGT' before any header", "begins with a line '>name'",
    ),
    fasta("a header without a name", ">chr1\nACGT\n> \nAC\n", "line 3", "no name", "write one"),
    fasta(
        "a name that stands twice", ">chr1\nACGT\n>chr2\nAC\n>chr1 again\nGG\n",
        "line 5", "record 'chr1'", "stands in line 1 already", "a name of its own",
    ),
    fasta(
        "a letter that is none", ">chr1\nACGT\nACJT\n",
        "line 3, column 3", "record 'chr1'", "'J' is no letter of the alphabet 'dna'",
    ),
    fasta("a protein file", ">p\nMKLVLE\n", "line 2", "is it a protein file?"),
    fasta("gaps of an alignment", ">chr1\nAC--GT\n", "line 2, column 3", "'-'", "gaps"),
    fasta("numbered lines", ">chr1\n1 ACGT\n", "line 2, column 1", "'1'", "Remove the numbers"),
    fasta("a damaged gzip", flipped(GENOME * 50), "incomplete or damaged", "download it again"),
    fasta("a gzip cut short", cut_short(GENOME), "incomplete or damaged", "download it again"),
    fasta(
        "a BGZF without its end", bgzf_without_its_end(GENOME), "incomplete or damaged",
        "download it again",
    ),
    fasta("FASTQ", "@r1\nACGT\n+\nIIII\n", "line 1", "this is FASTQ, not FASTA", "convert it"),
    fasta("GenBank given as FASTA", genbank(), "line 1", "this is GenBank, not FASTA"),
    fasta("a binary file", bytes(range(64)), "line 1", "a binary file", "not FASTA"),
    # ---- A FASTA of states
    states(
        "fewer labels than bases", STATES.replace("HHHHHHHHHHLL", "HHHHHHHHHHL"),
        "record 'chr1'", "has 29 labels for the 30 bases", "every base needs one label",
    ),
    states(
        "a state that the config does not name", STATES.replace("HL", "HX", 1),
        "line 2, column 16", "record 'chr1'", "'X' is no letter of the states", "H, L",
    ),
    states(
        "a record that has no labels", STATES.split(">chr2")[0],
        "record number 2 is missing here and is 'chr2' in", "genome.fa", "the same records",
    ),
    states(
        "labels under other names", STATES.replace("chr", ""),
        "record number 1 is '1' here and is 'chr1' in", "genome.fa",
    ),
    # ---- Annotations: places
    genes(
        "a feature beyond its record", gff("chr2 x CDS 4 33 . + 0 ID=a"),
        "line 2", "record 'chr2'", "from base 4 to base 33 reaches beyond the record's 20 bases",
        "is it the annotation of this sequence?",
    ),
    genes(
        "a circular record that nobody calls so", gff("chr2 x CDS 15 23 . + 0 ID=a"),
        "line 2", "record 'chr2'", "reaches beyond the record's 20 bases", "circular: true",
    ),
    genes(
        "more than once around a circle", gff("chr2 x CDS 1 24 . + 0 ID=a"),
        "line 2", "record 'chr2'", "more than once around the record's 20 bases", circular=True,
    ),
    genes(
        "1 for chr1", gff("1 x CDS 4 9 . + 0 ID=a", "2 x CDS 1 3 . + 0 ID=b"),
        "line 2", "'1'", "chr1", "rename",
    ),
    genes(
        "NC_000001.11 for chr1", gff("NC_000001.11 x CDS 4 9 . + 0 ID=a"),
        "line 2", "'NC_000001.11'", "chr1", "rename",
    ),
    genes(
        "a genome that is another", gff("scaffold_77 x CDS 4 9 . + 0 ID=a"),
        "line 2", "'scaffold_77'", "chr1", "are both of one genome?",
    ),
    genes(
        "a reversed interval", gff("chr1 x CDS 9 4 . - 0 ID=a"),
        "line 2", "from 9 to 4 is reversed", "the smaller one on either strand",
    ),
    genes(
        "a start of 0", gff("chr1 x CDS 0 9 . + 0 ID=a"),
        "line 2", "the start is 0", "GFF counts bases from 1",
    ),
    genes(
        "an annotation of a longer record",
        gff("chr1 x CDS 4 9 . + 0 ID=a", above="##sequence-region chr1 1 500"),
        "line 2", "record 'chr1'", "said to have 500 bases, and the sequences have 30",
        "the same assembly?",
    ),
    islands(
        "a reversed interval of BED", bed("chr1 9 4"), "line 1", "from 9 to 4 is reversed",
        "BED counts bases from 0",
    ),
    islands("an empty interval of BED", bed("chr1 4 4"), "line 1", "from 4 to 4 is empty"),
    islands("a BED line of two columns", bed("chr1 4"), "line 1", "2 columns", "record, start"),
    islands(
        "names of columns in BED", bed("chrom start end", "chr1 1 9"),
        "line 1", "the start 'start' is no position", "begin it with #",
    ),
    islands(
        "blocks that do not fit", bed("chr1 2 20 a 0 + 2 20 0 2 5,9 0,12"),
        "line 1", "the block of 9 at 12", "18 bases", "within the interval",
    ),
    islands(
        "a strand that is none", bed("chr1 2 20 a 0 1"), "line 1", "the strand is '1'", "+ - . ?"
    ),
    islands(
        "GFF given as BED", gff("chr1 x CDS 4 9 . + 0 ID=a"), "line 2", "GFF; give it as gff"
    ),
    # ---- Annotations: what they say
    genes("an empty annotation", gff(), "holds no features", "is it the right file?"),
    genes("no file of GFF at all", "", "holds no features"),
    genes(
        "a type that no feature has",
        gff("chr1 x cds 4 9 . + . ID=a", "chr1 x gene 4 9 . + . ID=b"),
        "no feature gives the state 'coding'", "'CDS'", "did you mean 'cds'?",
    ),
    genes(
        "a stranded state without strand", gff("chr1 x CDS 4 9 . . 0 ID=a"),
        "line 2", "record 'chr1'", "has no strand", "leave stranded out",
    ),
    genes(
        "a phase that is none", gff("chr1 x CDS 4 9 . + 3 ID=a"),
        "line 2", "the phase is '3'", "0, 1 or 2", labels=CODONS,
    ),
    genes(
        "a CDS without phase", gff("chr1 x CDS 4 9 . + . ID=a"),
        "line 2", "a CDS has no phase", "0, 1 or 2", labels=CODONS,
    ),
    genes(
        "phases that contradict each other",
        gff("chr1 x CDS 4 10 . + 0 ID=a", "chr1 x CDS 15 22 . + 1 ID=a"),
        "line 3", "the phase of this CDS is 1", "line 2", "leave 2", labels=CODONS,
    ),
    genes(
        "a CDS that is no multiple of 3", gff("chr1 x CDS 5 12 . + 0 ID=a"),
        "line 2", "has 8 bases, no multiple of 3", "partial=true", labels=CODONS,
    ),
    genes(
        "a GFF line of four columns", gff("chr1 x CDS 4"),
        "line 2", "found 4 columns", "nine columns, parted by tabs",
    ),
    genes(
        "features behind the sequences", gff("chr1 x CDS 4 9 . + 0 ID=a") + GENOME
        + gff("chr1 x CDS 4 9 . + 0 ID=b"),
        "line 7", "features stand behind the sequences", "Move all features",
    ),
    genes(
        "text that is not UTF-8", gff("chr1 x CDS 4 9 . + 0 ID=a").encode() + b"chr1\t\xe9\n",
        "line 3", "UTF-8", "save the file as UTF-8",
    ),
    genes(
        "a map of names that leads nowhere", gff("1 x CDS 4 9 . + 0 ID=a"),
        "rename takes '1' to 'chr_1'", "did you mean 'chr1'?", rename={"1": "chr_1"},
    ),
    Wrong(
        "names that become one",
        ("genes.gff", "'chr1' and '1'", "one name without chr"),
        {"genome.fa": GENOME.replace("chr2", "1"), "genes.gff": gff("1 x CDS 4 9 . + 0 ID=a")},
        own({"gff": "genes.gff", **STRANDED, "strip": ["chr"]}),
    ),
    # ---- Tracks
    track(
        "a bigWig of another genome", bigwig(("chr1", 248_956_422)),
        "record 'chr1'", "has 248956422 bases here, and 30 in the sequences", "one assembly?",
    ),
    track("a bigWig with other names", bigwig(("1", 30)), "'1'", "chr1", "rename"),
    track("no bigWig at all", bed("chr1 1 9 3"), "is no bigWig file", "bedGraphToBigWig"),
    track(
        "a threshold that nothing reaches", bigwig(("chr1", 30), value=1.0),
        "no base reaches the threshold 2", "choose another",
    ),
    # ---- GenBank
    records("a GenBank file cut short", genbank().replace("//\n", ""), "no end (a line //)"),
    records(
        "a codon_start of 4", genbank(codon_start=4),
        "line 6", "record 'AB000001.1'", "the codon_start is '4'", "1, 2 or 3",
    ),
    records(
        "fewer letters than LOCUS says", genbank(letters=SIXTY[:-11]),
        "line 1", "record 'AB000001.1'", "has 50 letters", "60", "Download it again",
    ),
    records(
        "GenBank without its sequence", genbank().split("        1 ")[0] + "//\n",
        "line 1", "record 'AB000001.1'", "has no sequence", "give the sequence as FASTA",
    ),
    records("no GenBank at all", GENOME, "line 1", "'>chr1'", "a line LOCUS"),
    records(
        "a location that cannot be read", genbank(location="4 to 33"),
        "line 6", "record 'AB000001.1'", "location of this CDS cannot be read", "12..34",
    ),
    # ---- Tables
    rows(
        "a column that is not there", "DNA\tstates\n" + RIGHT_ROW,
        "line 1", "has no column 'dna'", "did you mean 'DNA'?",
    ),
    rows(
        "two strings of unequal length", "dna\thidden_state\nACGT\tHHL\n",
        "line 2", "record 'row1'", "'dna' has 4 letters, and column 'hidden_state' has 3",
    ),
    rows(
        "a state of a table that nobody named", "dna\thidden_state\nACGT\tHHXL\n",
        "line 2", "record 'row1', position 3", "'X'", "H, L",
    ),
    rows(
        "a row of one column", "dna\thidden_state\n" + RIGHT_ROW + "ACGT\n",
        "line 3", "1 column", "names 2",
    ),
    rows(
        "a name that two rows have", "id\tdna\thidden_state\na\tAC\tHL\na\tAC\tHL\n",
        "line 3", "record 'a'", "stands in line 2 already",
        columns={"name": "id"},
    ),
    rows("a table without rows", "dna\thidden_state\n", "holds no rows"),
    rows("a quote that is not closed", 'dna\thidden_state\n"ACGT\tHHLL\n', "line 2", "quote"),
    # ---- Numbers beside the letters
    numbers(
        "a number beyond its record", "chr2\t15\t30\t1.5\n", "line 1", "record 'chr2'", "20 bases"
    ),
    numbers(
        "two numbers for a base", "chr1\t0\t9\t1\nchr1\t5\t12\t2\n",
        "line 2", "record 'chr1'", "from 5 to 12 overlaps", "a base has one number",
    ),
    numbers("a number that is none", "chr1\t0\t9\thigh\n", "line 1", "'high'"),
    numbers("numbers for an unknown record", "chr9\t0\t9\t1\n", "line 1", "'chr9'", "chr"),
    numbers(
        "a table of numbers with too few rows", HEADED + "chr1\t1\n", "record 'chr1'",
        kind="table",
    ),
    # ---- Splits
    splits(
        "too few records to split", {"by": "record"},
        "2 records of different content cannot be drawn into 3 splits", "give more records",
    ),
    splits(
        "a split that names no record",
        {"by": "name", "train": ["chr1"], "validation": ["chr2"], "test": ["chrX"]},
        "test names 'chrX', and no record is called so", "did you mean 'chr",
    ),
    splits(
        "a record in two splits",
        {"by": "name", "train": ["chr1"], "validation": ["chr*"], "test": ["chr2"]},
        "record 'chr1'", "train (by 'chr1') and validation (by 'chr*') both name it",
    ),
    splits(
        "a table of splits without the column", {"by": "table", "table": "splits.tsv"},
        "splits.tsv, line 1", "has no column 'split'", "did you mean 'Split'?",
        table="record\tSplit\nchr1\ttrain\n",
    ),
    splits(
        "a value that stands for no split", {"by": "table", "table": "splits.tsv"},
        "splits.tsv, line 3, record 'chr2'", "'dev' stands for no split", "'validation'",
        table="record\tsplit\nchr1\ttrain\nchr2\tdev\n",
    ),
    splits(
        "a record that the table of splits leaves out", {"by": "table", "table": "splits.tsv"},
        "splits.tsv", "has no row for the record 'chr2'",
        table="record\tsplit\nchr1\ttrain\n",
    ),
    splits(
        "a table of splits of another genome", {"by": "table", "table": "splits.tsv"},
        "splits.tsv, line 2", "the sequences have no record '1'", "chr1",
        table="record\tsplit\n1\ttrain\n2\ttest\n",
    ),
    # ---- Genomes to annotate
    genome("proteins to annotate", ">p\nMKLVLE\n", "line 2", "is it a protein file?"),
    genome("an empty genome to annotate", "", "holds no sequence"),
    genome(
        "a name that would be a comment in BED", ">a\nACGT\n>#b\nACGT\n",
        "record '#b'", "a comment to every reader of BED", "rename the record",
    ),
]  # fmt: skip
