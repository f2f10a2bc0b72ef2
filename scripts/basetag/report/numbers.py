"""Numbers as text: percent, counts, nats, times and sizes, in one form on the whole page."""

from __future__ import annotations

import math

#: The minus sign of print, and the times sign: a hyphen and an x read badly in a table.
MINUS = "\N{MINUS SIGN}"


TIMES = "\N{MULTIPLICATION SIGN}"


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(value: float, digits: int = 1) -> str:
    """Return a fraction as percent: 0.598 as ``59.8 %``."""
    rounded = round(100 * value, digits)
    return f"{MINUS if rounded < 0 else ''}{abs(rounded):.{digits}f} %"


def count(value: float) -> str:
    """Return a count with separated thousands."""
    return f"{int(value):,}"


def nats(value: float) -> str:
    """Return nats with four decimals, or two significant digits where four would say 0."""
    size = abs(value)
    sign = MINUS if value < 0 else ""
    if size < 5e-10:
        return "0"
    if size >= 0.001:
        return f"{sign}{size:.4f}"
    if size >= 1e-5:
        return f"{sign}{size:.{1 - math.floor(math.log10(size))}f}"
    return sign + power_of_ten(math.log10(size))


def power_of_ten(log10: float) -> str:
    """Return 10**log10 as text, also where the number itself is below the smallest float."""
    if log10 > -3:
        return f"{10**log10:.3f}"
    exponent = math.floor(log10)
    mantissa = f"{10 ** (log10 - exponent):.1f}"
    if mantissa == "10.0":
        mantissa, exponent = "1.0", exponent + 1
    return f"{mantissa} {TIMES} 10{str(exponent).translate(_SUPERSCRIPTS)}"


def speed(value: float) -> str:
    """Return bases per second with its unit: ``290 kb/s``."""
    for unit, size in (("Gb", 1e9), ("Mb", 1e6), ("kb", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}/s"
    return f"{value:.3g} b/s"


def duration(seconds: float) -> str:
    """Return a time in the units that fit it: ``0.02 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds >= 0.001 else "under 0.001 s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def megabytes(value: float) -> str:
    """Return an amount of memory with its unit (of 1000): ``512 MB``, ``1.5 GB``."""
    return f"{value / 1000:.3g} GB" if value >= 1000 else f"{value:.3g} MB"


def bases(value: float) -> str:
    """Return a number of bases with its unit: ``1.5 Mb``."""
    for unit, size in (("Gb", 1e9), ("Mb", 1e6), ("kb", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f} bases"


def with_interval(value: float, ends: tuple[float, float] | None, *, in_percent: bool) -> str:
    """Return a figure with its interval, short: ``59.8 (59.6 to 60.0) %``."""
    scale = 100 if in_percent else 1
    unit = " %" if in_percent else ""
    digits = 1 if in_percent else 4
    if ends is None:
        return f"{scale * value:.{digits}f}{unit}"
    # One more digit where the ends would else be the same.
    while digits < 6 and round(scale * ends[0], digits) == round(scale * ends[1], digits):
        if ends[0] == ends[1]:
            break
        digits += 1
    texts = [f"{scale * number:.{digits}f}" for number in (value, *ends)]
    return f"{texts[0]} ({texts[1]}\N{EN DASH}{texts[2]}){unit}"


def rate(value: float) -> str:
    """Return a number per Mb."""
    return f"{value:,.0f}"


def signed(value: float) -> str:
    """Return a difference with its sign, with two significant digits or four decimals."""
    text = nats(value)
    return f"+{text}" if value > 0 and text != "0" else text


def points(value: float) -> str:
    """Return a difference of two fractions in percentage points, without a unit."""
    return percent(value).removesuffix(" %")


def ratio(value: float) -> str:
    """Return a measure between -1 and 1 with three decimals."""
    text = f"{abs(value):.3f}"
    return f"{MINUS}{text}" if value < 0 and float(text) else text


def four_digits(value: float) -> str:
    """Return a number of any size with four digits."""
    rounded = f"{value:.4g}"
    return f"{float(rounded):g}".replace("-", MINUS) if "e" not in rounded else rounded
