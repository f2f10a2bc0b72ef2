"""Compiled loops over the k-mers of stretches of tokens, and over records that share k-mers.

What they serve say `near_copies` and `matches`. A k-mer's number rolls along the bases: a letter
comes in at one end and another leaves at the other, on both strands. A token that is no plain
letter breaks it off. The table of numbers is open-addressed: a slot is `EMPTY`, or a number of at
most 62 bits, whose highest bit says that training has it, too. Beside it a filter, eight times
smaller, has three bits of a word set for each of its numbers (Putze et al. 2010, ACM J Exp
Algorithmics 14:4, a blocked Bloom filter); of others hardly one in a thousand finds all three set,
so that the table is seldom looked at.

`code` is `KmerCode.arguments`; `starts` and `ends` (stretches,) are places in `tokens`.
"""

# No annotations: the types are those of numba's, inferred where a kernel is called.
# mypy: disable-error-code="no-untyped-def"

import numba
import numpy as np

#: A slot of the table without a number.
EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_SEEN = np.uint64(1 << 63)
_AT_ONCE = 512
_ZERO, _ONE = np.uint64(0), np.uint64(1)
_HALF, _WORD_SHIFT = np.uint64(32), np.uint64(18)
_SIX, _TWELVE, _SIXTY_THREE = np.uint64(6), np.uint64(12), np.uint64(63)
_FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
_FIRST_SHIFT, _SECOND_SHIFT, _THIRD_SHIFT = np.uint64(30), np.uint64(27), np.uint64(31)

_compiled = numba.njit(cache=True, error_model="numpy", nogil=True)


@numba.njit(inline="always")
def _mixed(value):
    """Return the number with its bits mixed, one to one (Steele et al. 2014, OOPSLA, splitmix)."""
    value = (value ^ (value >> _FIRST_SHIFT)) * _FIRST_FACTOR
    value = (value ^ (value >> _SECOND_SHIFT)) * _SECOND_FACTOR
    return value ^ (value >> _THIRD_SHIFT)


@numba.njit(inline="always")
def _part(mixed, parts):
    """Return in which of so many equal parts of all mixed numbers one lies."""
    return ((mixed >> _HALF) * parts) >> _HALF


@numba.njit(inline="always")
def _pattern(mixed):
    """Return the three bits, or fewer, that a number sets in its word of the filter."""
    first, second = mixed & _SIXTY_THREE, (mixed >> _SIX) & _SIXTY_THREE
    third = (mixed >> _TWELVE) & _SIXTY_THREE
    return (_ONE << first) | (_ONE << second) | (_ONE << third)


@_compiled
def sample(tokens, starts, ends, owners, code, limit, owner_bits, keys):
    """Write a key for each k-mer whose mixed number is at most `limit`; return how many.

    A key is the mixed number, its highest bits pushed out by the owner of the stretch.

    Parameters
    ----------
    owners : uint64 (stretches,)
    limit, owner_bits : uint64
    keys : uint64 (at least the bases of all stretches,)
    """
    k, bits, n_letters, complement = code
    width, top = np.uint64(bits), np.uint64(bits * (k - 1))
    mask = (_ONE << np.uint64(bits * k)) - _ONE
    both = complement.size > 0
    n = 0
    for stretch in range(starts.size):
        forward, backward, length = _ZERO, _ZERO, 0
        for i in range(starts[stretch], ends[stretch]):
            token = tokens[i]
            if token >= n_letters:
                length = 0
                continue
            forward = ((forward << width) | np.uint64(token)) & mask
            if both:
                backward = (backward >> width) | (np.uint64(complement[token]) << top)
            length += 1
            if length >= k:
                mixed = _mixed(min(forward, backward) if both else forward)
                if mixed <= limit:
                    keys[n] = (mixed << owner_bits) | owners[stretch]
                    n += 1
    return n


@_compiled
def fill(tokens, starts, ends, code, partition, n_partitions, table, words):
    """Put the k-mers of a partition into the table; return whether no more than half is full.

    Parameters
    ----------
    partition, n_partitions : int
        Which, and of how many, a power of two.
    table, words : uint64 (a power of two,)
        The table, all `EMPTY`, and the filter, all 0.
    """
    k, bits, n_letters, complement = code
    width, top = np.uint64(bits), np.uint64(bits * (k - 1))
    mask = (_ONE << np.uint64(bits * k)) - _ONE
    both = complement.size > 0
    own, parts = np.uint64(partition), np.uint64(n_partitions)
    slots = np.uint64(table.size - 1)
    last_word = np.uint64(words.size - 1)
    free = table.size // 2
    for stretch in range(starts.size):
        forward, backward, length = _ZERO, _ZERO, 0
        for i in range(starts[stretch], ends[stretch]):
            token = tokens[i]
            if token >= n_letters:
                length = 0
                continue
            forward = ((forward << width) | np.uint64(token)) & mask
            if both:
                backward = (backward >> width) | (np.uint64(complement[token]) << top)
            length += 1
            if length < k:
                continue
            number = min(forward, backward) if both else forward
            mixed = _mixed(number)
            if _part(mixed, parts) != own:
                continue
            slot = mixed & slots
            while table[slot] != EMPTY and table[slot] != number:
                slot = (slot + _ONE) & slots
            if table[slot] == EMPTY:
                if free == 0:
                    return False
                free -= 1
                table[slot] = number
                words[(mixed >> _WORD_SHIFT) & last_word] |= _pattern(mixed)
    return True


@_compiled
def look_up(tokens, starts, ends, code, table, words):
    """Mark those numbers of the table that are k-mers of the stretches, too."""
    k, bits, n_letters, complement = code
    width, top = np.uint64(bits), np.uint64(bits * (k - 1))
    mask = (_ONE << np.uint64(bits * k)) - _ONE
    both = complement.size > 0
    # Numbers are looked up many at a time: memory is then asked for the next ones while it is
    # still at the first.
    numbers = np.empty(_AT_ONCE, dtype=np.uint64)
    n = 0
    for stretch in range(starts.size):
        forward, backward, length = _ZERO, _ZERO, 0
        for i in range(starts[stretch], ends[stretch]):
            token = tokens[i]
            if token >= n_letters:
                length = 0
                continue
            forward = ((forward << width) | np.uint64(token)) & mask
            if both:
                backward = (backward >> width) | (np.uint64(complement[token]) << top)
            length += 1
            if length >= k:
                numbers[n] = min(forward, backward) if both else forward
                n += 1
                if n == _AT_ONCE:
                    _mark_seen(numbers, n, table, words)
                    n = 0
    _mark_seen(numbers, n, table, words)


@_compiled
def _mark_seen(numbers, n, table, words):
    slots, last_word = np.uint64(table.size - 1), np.uint64(words.size - 1)
    for i in range(n):
        mixed = _mixed(numbers[i])
        pattern = _pattern(mixed)
        if words[(mixed >> _WORD_SHIFT) & last_word] & pattern != pattern:
            continue
        slot = mixed & slots
        while table[slot] != EMPTY:
            if table[slot] & ~_SEEN == numbers[i]:
                table[slot] |= _SEEN
                break
            slot = (slot + _ONE) & slots


@_compiled
def mark(tokens, starts, ends, code, partition, n_partitions, table, marks):
    """Set the marks of the bases of all k-mers that are marked in the table.

    Parameters
    ----------
    marks : bool (bases of the stretches,)
        In the order of the stretches.
    """
    k, bits, n_letters, complement = code
    width, top = np.uint64(bits), np.uint64(bits * (k - 1))
    mask = (_ONE << np.uint64(bits * k)) - _ONE
    both = complement.size > 0
    own, parts = np.uint64(partition), np.uint64(n_partitions)
    slots = np.uint64(table.size - 1)
    first = 0
    for stretch in range(starts.size):
        forward, backward, length = _ZERO, _ZERO, 0
        begin = starts[stretch]
        marked = begin  # up to here all is decided
        for i in range(begin, ends[stretch]):
            token = tokens[i]
            if token >= n_letters:
                length = 0
                continue
            forward = ((forward << width) | np.uint64(token)) & mask
            if both:
                backward = (backward >> width) | (np.uint64(complement[token]) << top)
            length += 1
            if length < k:
                continue
            number = min(forward, backward) if both else forward
            mixed = _mixed(number)
            if _part(mixed, parts) != own:
                continue
            slot = mixed & slots
            while table[slot] & ~_SEEN != number:
                slot = (slot + _ONE) & slots
            if table[slot] & _SEEN:
                for base in range(max(marked, i - k + 1), i + 1):
                    marks[first + base - begin] = True
                marked = i + 1
        first += ends[stretch] - begin


@_compiled
def join(parents, distinct, members, group_starts, entries, entry_starts, share, fewest, most):
    """Join records that share enough k-mers with one before them.

    Parameters
    ----------
    parents : int64 (records,)
        The forest of joined records: each one's parent, roots their own, never a later one.
    distinct : int64 (records,)
        K-mers of each.
    members, group_starts : int64
        Records that have a k-mer, ascending, behind each other (and where those of each begin).
    entries, entry_starts : int64
        K-mers of each record that others have, too, in the same way.
    share : float
        Of the k-mers of the one that has fewer.
    fewest : int
        Records with fewer k-mers are left alone.
    most : int
        Records that are looked at of those that have a k-mer.
    """
    shared = np.zeros(parents.size, dtype=np.int64)
    met = np.empty(parents.size, dtype=np.int64)
    for record in range(parents.size):
        if distinct[record] < fewest:
            continue
        n_met = 0
        own = _root(parents, record)
        for at in range(entry_starts[record], entry_starts[record + 1]):
            begin = group_starts[entries[at]]
            for place in range(begin, min(begin + most, group_starts[entries[at] + 1])):
                other = members[place]
                if other >= record:
                    break
                if distinct[other] < fewest or _root(parents, other) == own:
                    continue
                if shared[other] == 0:
                    met[n_met] = other
                    n_met += 1
                shared[other] += 1
        for place in range(n_met):
            other = met[place]
            if shared[other] >= share * min(distinct[record], distinct[other]):
                one, two = _root(parents, record), _root(parents, other)
                parents[max(one, two)] = min(one, two)
            shared[other] = 0


@_compiled
def roots(parents):
    """Let each record's parent be its root."""
    for record in range(parents.size):
        parents[record] = _root(parents, record)


@numba.njit(inline="always")
def _root(parents, record):
    while parents[record] != record:
        parents[record] = parents[parents[record]]
        record = parents[record]
    return record
