"""Numbers for bases: read from bedGraph and tables, kept beside the corpus, put on one scale."""

import gzip
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import encode_features as script
from basetag import fasta_text, feature_encoding
from basetag.alphabet import DNA
from basetag.corpus import Corpus
from basetag.corpus_encoding import write_corpus
from basetag.errors import InputError
from basetag.feature_encoding import write_features
from basetag.feature_scales import feature_scales
from basetag.features import FeatureColumns
from basetag.places import Places
from basetag.segments import Segments

NAN = np.nan
#: Records of 4, 0, 3 and 2 bases.
FASTA = ">one\nACGT\n>empty\n>two\nGGC\n>chrX\nTA\n"
PLACES = Places(("one", "empty", "two", "chrX"), np.array([0, 4, 4, 7]), np.array([4, 0, 3, 2]))

BEDGRAPH = """\
browser position one:1-4
track type=bedGraph name=conservation
# a comment
two\t1\t3\t-2.5e-1

one 0 1 7
one\t2\t4\t0.5
"""
OF_BEDGRAPH = [7, NAN, 0.5, 0.5, NAN, -0.25, -0.25, NAN, NAN]

TABLE = """\
record\tcoil\tmy helix
chrX\t1\t10
chrX\tNA\t20
one\t0.1\t1
one\t0.2\t2
one\t\t3
one\t0.4\t
two\t-1\t4
two\t-2\t5
two\t-3\t6
"""
OF_TABLE = [
    [0.1, 1], [0.2, 2], [NAN, 3], [0.4, NAN], [-1, 4], [-2, 5], [-3, 6], [1, 10], [NAN, 20],
]  # fmt: skip


@pytest.fixture(params=[7, 1 << 18], ids=["tiny blocks", "usual blocks"], autouse=True)
def block_size(request, monkeypatch):
    """No result may depend on where the blocks end."""
    monkeypatch.setattr(fasta_text, "_BLOCK", request.param)
    if request.param == 7:
        monkeypatch.setattr(feature_encoding, "_PIECE", 2)
        monkeypatch.setattr(feature_encoding, "_NUMBERS_AT_ONCE", 3)


def written(folder, kind, content, name="x"):
    """Write one source and return the values; `content` is text, or bytes as they stand."""
    path = folder / ("source.gz" if isinstance(content, bytes) else "source.txt")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    write_features(folder, PLACES, [(name, kind, path)])
    return np.load(folder / "features.npy")


@pytest.mark.parametrize("compressed", [False, True])
def test_intervals_of_a_bedgraph_become_numbers_of_their_bases(tmp_path, compressed):
    content = gzip.compress(BEDGRAPH.encode()) if compressed else BEDGRAPH
    values = written(tmp_path, "bedgraph", content)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, np.array(OF_BEDGRAPH, dtype=np.float32)[:, None])


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_rows_of_a_table_are_numbers_of_their_bases(tmp_path, compressed, line_end):
    text = "\ufeff" + TABLE.replace("\n", line_end)
    content = gzip.compress(text.encode()) if compressed else text
    values = written(tmp_path, "table", content)
    np.testing.assert_array_equal(values, np.array(OF_TABLE, dtype=np.float32))


def test_a_last_line_needs_no_end(tmp_path):
    values = written(tmp_path, "bedgraph", "one 0 1 5")
    assert values[0, 0] == 5
    (tmp_path / "table").mkdir()
    written(tmp_path / "table", "table", TABLE.rstrip("\n"))


def test_several_sources_lie_side_by_side_and_come_back_by_name(tmp_path):
    (tmp_path / "genome.fa").write_text(FASTA)
    (tmp_path / "a.bedgraph").write_text(BEDGRAPH)
    (tmp_path / "b.tsv").write_text(TABLE)
    write_corpus(tmp_path / "corpus", tmp_path / "genome.fa", DNA)
    script.main(
        {"features": [["conservation", "bedgraph"], ["fold", "table"]]},
        tmp_path / "corpus",
        [tmp_path / "a.bedgraph", tmp_path / "b.tsv"],
    )
    whole = np.column_stack([OF_BEDGRAPH, OF_TABLE]).astype(np.float32)
    np.testing.assert_array_equal(np.load(tmp_path / "corpus" / "features.npy"), whole)

    for asked, names, columns in [
        (["conservation"], ("conservation",), [0]),
        (["fold", "conservation"], ("fold.coil", "fold.my helix", "conservation"), [1, 2, 0]),
        (["fold.my helix"], ("fold.my helix",), [2]),
    ]:
        corpus = Corpus.open(tmp_path / "corpus", asked)
        assert corpus.feature_names == names
        np.testing.assert_array_equal(np.asarray(corpus.features), whole[:, columns])
        np.testing.assert_array_equal(np.asarray(corpus.features[4:7]), whole[4:7, columns])
    assert Corpus.open(tmp_path / "corpus").features is None


def test_features_that_are_not_there_are_one_line(tmp_path):
    (tmp_path / "genome.fa").write_text(FASTA)
    folder = tmp_path / "corpus"
    write_corpus(folder, tmp_path / "genome.fa", DNA)
    with pytest.raises(InputError, match=r"has no complete features .* encode them again"):
        Corpus.open(folder, ["x"])
    written(folder, "bedgraph", BEDGRAPH, name="conservation")
    with pytest.raises(InputError, match="no feature 'conservaton'; did you mean 'conservation'"):
        Corpus.open(folder, ["conservaton"])
    np.save(folder / "features.npy", np.zeros((3, 1), dtype=np.float32))
    with pytest.raises(InputError, match=r"shape \(3, 1\); 9 bases have 1 features"):
        Corpus.open(folder, ["conservation"])
    assert Corpus.open(folder).names == ["one", "empty", "two", "chrX"]


WRONG_INTERVALS = {
    "unknown record": ("chrx 0 1 1", "line 1: the sequences have no record 'chrx'; did you mean "
                       "'chrX'?"),
    "strange record": ("one 0 1 1\n7 0 1 1", "line 2: the sequences have no record '7'; the first "
                       "of them is 'one'"),
    "beyond": ("one 2 5 1", "line 1, record 'one': the interval from 2 to 5 reaches beyond the "
               "record's 4 bases; bedGraph counts bases from 0"),
    "reversed": ("#\ntwo 2 1 1", "line 2, record 'two': the interval from 2 to 1 is reversed"),
    "empty": ("two 2 2 1", "line 1, record 'two': the interval from 2 to 2 is empty"),
    "negative": ("two -1 2 1", "line 1, record 'two': the start -1 lies before the record"),
    "overlap": ("one 0 2 1\none 3 4 1\none 1 2 1", "line 3, record 'one': the interval from 1 to 2 "
                "overlaps one that stands above it; a base has one number"),
    "nested": ("two 1 2 1\none 0 4 1\none 2 3 1", "line 3, record 'one': the interval from 2 to 3 "
               "overlaps"),
    "around": ("one 2 3 1\none 0 4 1", "line 2, record 'one': the interval from 0 to 4 overlaps"),
    "no number": ("one 0 1 high", "line 1: 'high' is no finite number; correct it"),
    "nan": ("one 0 1 1\none 1 2 nan", "line 2: 'nan' is no finite number"),
    "infinite": ("one 0 1 1e39", "line 1: '1e39' is no finite number"),
    "underscore": ("one 0 1 1_0", "line 1: '1_0' is no finite number"),
    "no place": ("one 0 1.5 1", "line 1: '1.5' is no whole number"),
    "huge place": ("one 0 99999999999999999999 1", "is no whole number"),
    "few columns": ("one 0 1", "line 1: found 3 columns; a line of bedGraph is record, start, end "
                    "and a number"),
    "bed": ("one 0 1 name 5 +", "line 1: found 6 columns"),
    "nothing": ("# empty\n", "of the feature 'x' no base has a number"),
    "binary": (b"\x1f\x8b\x08\x00cut", "the compressed file is incomplete or damaged"),
}  # fmt: skip


def assert_refused(folder, kind, content, says):
    with pytest.raises(InputError) as caught:
        written(folder, kind, content)
    told = str(caught.value)
    assert says in told
    assert told.startswith(str(folder / "source."))
    assert "\n" not in told
    left = {path.name for path in folder.iterdir()}
    assert left <= {"source.txt", "source.gz"}


@pytest.mark.parametrize(("content", "says"), WRONG_INTERVALS.values(), ids=WRONG_INTERVALS)
def test_a_wrong_bedgraph_is_one_line_and_leaves_nothing(tmp_path, content, says):
    assert_refused(tmp_path, "bedgraph", content, says)


def table(*rows):
    return "\n".join(["record\ta", *rows, ""])


ROWS = [f"{name}\t1" for name, n in (("one", 4), ("two", 3), ("chrX", 2)) for _ in range(n)]
WRONG_TABLES = {
    "no header": ("one\t1\n", "line 1: found 'one\\t1'; the first line is the word record and"),
    "no columns": ("record\n", "line 1: found 'record'"),
    "empty": ("", "line 1: found ''"),
    "nameless column": ("record\ta\t\n", "line 1: column 3 has no name"),
    "column twice": ("record\ta\ta\n", "line 1: two columns bear the name 'a'; rename one"),
    "unknown record": (table("tow\t1"), "line 2: the sequences have no record 'tow'; did you mean "
                       "'two'?"),
    "few rows": (table(*ROWS[:3], *ROWS[4:]), "line 5, record 'one': has 3 rows for its 4 bases"),
    "few at the end": (table(*ROWS[:-1]), "record 'chrX': has 1 row for its 2 bases; every base"),
    "none": (table(*ROWS[:-2]), "record 'chrX': has 0 rows for its 2 bases"),
    "many rows": (table(ROWS[0], *ROWS), "line 6, record 'one': this is one row more than it has "
                  "bases (4)"),
    "of an empty one": (table("empty\t1"), "line 2, record 'empty': this is one row more than it "
                        "has bases (0)"),
    "apart": (table(*ROWS[:4], *ROWS[4:], ROWS[0]), "line 11, record 'one': its rows are not "
              "together"),
    "few columns": (table("one"), "line 2: found 1 column, and the header has 2; columns are "
                    "parted by tabs"),
    "many columns": (table(ROWS[0], "one\t1\t2"), "line 3: found 3 columns, and the header has 2"),
    "no number": (table(ROWS[0], "one\tn/a"), "line 3: 'n/a' is neither a finite number nor NA"),
    "infinite": (table("one\tinf"), "line 2: 'inf' is neither a finite number nor NA"),
    "no text": (b"record\ta\none\t\xff\n", "line 2: is no text in UTF-8"),
    "all missing": (table(*(f"{row.split()[0]}\tNA" for row in ROWS)),
                    "of the feature 'x.a' no base has a number"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "says"), WRONG_TABLES.values(), ids=WRONG_TABLES)
def test_a_wrong_table_is_one_line_and_leaves_nothing(tmp_path, content, says):
    assert_refused(tmp_path, "table", content, says)


@pytest.mark.parametrize("seed", range(5))
def test_intervals_in_any_order_give_the_same_numbers(tmp_path, seed):
    rng = np.random.default_rng(seed)
    places = Places(("a", "b"), np.array([0, 500]), np.array([500, 700]))
    expected = np.full((1200, 1), NAN, dtype=np.float32)
    lines = []
    for name, start, length in zip(*[places.names, places.starts, places.lengths], strict=True):
        borders = np.unique(rng.integers(length + 1, size=60))
        for begin, end in pairwise(borders):
            if rng.random() < 0.7:
                value = np.float32(rng.normal())
                expected[start + begin : start + end] = value
                lines.append(f"{name}\t{begin}\t{end}\t{value!s}")
    rng.shuffle(lines)
    (tmp_path / "x.bedgraph").write_text("\n".join(lines))
    counts = write_features(tmp_path, places, [("x", "bedgraph", tmp_path / "x.bedgraph")])
    np.testing.assert_array_equal(np.load(tmp_path / "features.npy"), expected)
    assert counts == {"x": int((~np.isnan(expected)).sum())}


def corpus_with(values):
    n = len(values)
    return Corpus(
        alphabet=DNA, states=("L", "H"), state_names={"L": "l", "H": "h"}, names=["one"],
        starts=np.array([0]), lengths=np.array([n]), tokens=np.zeros(n, dtype=np.uint8),
        labels=np.zeros(n, dtype=np.uint8),
        features=FeatureColumns(values, np.arange(values.shape[1])),
        feature_names=tuple("abcdef"[: values.shape[1]]),
    )  # fmt: skip


def segments_of(*pairs):
    start, end = np.array(pairs).T
    return Segments(np.zeros(len(pairs), dtype=np.int64), start, end, start)


def test_scales_are_numpys_over_the_training_split_alone(monkeypatch):
    monkeypatch.setattr("basetag.feature_scales._NUMBERS_AT_ONCE", 64)
    rng = np.random.default_rng(2)
    values = (rng.normal(size=(1000, 4)) * [1, 1e-3, 1e4, 0] + [0, 1e3, -5, 0.1]).astype(np.float32)
    values[rng.random(values.shape) < 0.3] = NAN
    segments = segments_of((0, 100), (300, 301), (450, 900))
    mean, deviation = feature_scales(corpus_with(values), segments)
    own = np.concatenate([values[:100], values[300:301], values[450:900]]).astype(np.float64)
    np.testing.assert_allclose(mean, np.nanmean(own, axis=0), rtol=1e-12)
    np.testing.assert_allclose(deviation[:3], np.nanstd(own, axis=0)[:3], rtol=1e-9)
    assert deviation[3] == 1  # the same everywhere


def test_a_feature_that_the_training_split_lacks_is_one_line():
    values = np.zeros((100, 2), dtype=np.float32)
    values[:50, 1] = NAN
    with pytest.raises(InputError, match=r"^of the feature 'b' no base of the training split has"):
        feature_scales(corpus_with(values), segments_of((0, 50)))


def test_memory_does_not_grow_with_the_features(tmp_path):
    """20 Mb of bases and two features are 160 MB of numbers; 60 MB are allowed."""
    code = """
import resource, sys
import numpy as np
sys.path.insert(0, "scripts")
from basetag.places import Places
from basetag.feature_encoding import write_features
n = 20_000_000
places = Places(("one",), np.array([0]), np.array([n]))
sources = [(name, "bedgraph", sys.argv[1]) for name in "ab"]
now = [int(line.split()[1]) for line in open("/proc/self/status") if "VmData" in line][0]
limit = now * 1024 + 60_000_000
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
assert write_features(sys.argv[2], places, sources) == {"a": n, "b": n}
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("the limit on memory is Linux's")
    lines = [f"one\t{at}\t{at + 100}\t{at % 7}\n" for at in range(0, 10_000_000, 100)]
    (tmp_path / "x.bedgraph").write_text("".join([*lines, "one\t10000000\t20000000\t1\n"]))
    root = Path(__file__).parents[1]
    arguments = [str(tmp_path / "x.bedgraph"), str(tmp_path / "out")]
    subprocess.run([sys.executable, "-c", code, *arguments], cwd=root, check=True)
    values = np.load(tmp_path / "out" / "features.npy", mmap_mode="r")
    assert values[12_345, 1] == 12_300 % 7
