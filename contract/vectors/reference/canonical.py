"""README.md, 1: the canonical form of JSON (RFC 8785)."""
import json

MAX_DEPTH = 32


class Refused(Exception):
    """What the rules do not allow; `code` is the refusal's name in README.md."""

    def __init__(self, code, message=''):
        super().__init__(f'{code}: {message}')
        self.code = code


def number_text(x):
    """ECMA-262 Number::toString in radix 10: the shortest digits that read back as the same double."""
    if x != x or x in (float('inf'), float('-inf')):
        raise Refused('not_canonical', 'number is not finite')
    if x == 0:
        return '0'
    sign = '-' if x < 0 else ''
    mantissa, _, exponent = f'{abs(x)!r}'.partition('e')
    whole, _, fraction = mantissa.partition('.')
    fraction = '' if fraction == '0' else fraction
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip('0')
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip('0')
    n = len(digits)
    if n <= point <= 21:
        text = digits + '0' * (point - n)
    elif 0 < point <= 21:
        text = digits[:point] + '.' + digits[point:]
    elif -6 < point <= 0:
        text = '0.' + '0' * -point + digits
    else:
        e = point - 1
        text = digits[0] + ('.' + digits[1:] if n > 1 else '') + f'e{"+" if e > 0 else "-"}{abs(e)}'
    return sign + text


ESCAPES = {'"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t'}


def string_text(s):
    try:
        s.encode('utf-8')
    except UnicodeEncodeError:
        raise Refused('not_canonical', 'lone surrogate') from None
    return '"' + ''.join(ESCAPES.get(c) or (f'\\u{ord(c):04x}' if c < ' ' else c) for c in s) + '"'


def canonical_text(value, depth=0):
    if depth > MAX_DEPTH:
        raise Refused('not_canonical', 'nested too deep')
    if value is None or isinstance(value, bool):
        return {None: 'null', True: 'true', False: 'false'}[value]
    if isinstance(value, (int, float)):
        return number_text(float(value))
    if isinstance(value, str):
        return string_text(value)
    if isinstance(value, list):
        return '[' + ','.join(canonical_text(v, depth + 1) for v in value) + ']'
    # By UTF-16 code units, as RFC 8785 says: an astral character sorts before U+E000.
    keys = sorted(value, key=lambda k: k.encode('utf-16-be', 'surrogatepass'))
    return '{' + ','.join(f'{string_text(k)}:{canonical_text(value[k], depth + 1)}' for k in keys) + '}'


def canonical(value):
    return canonical_text(value).encode('utf-8')


def parse_json(data):
    """Any JSON text of RFC 8259 in UTF-8, with every number read as a double."""
    def no_constant(name):
        raise Refused('not_canonical', f'{name} is not JSON')
    try:
        return json.loads(data.decode('utf-8'), parse_int=float, parse_float=float, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused('not_canonical', str(error)[:80]) from None


def parse_canonical(data):
    value = parse_json(data)
    if canonical(value) != data:
        raise Refused('not_canonical', 'another encoding of the same value')
    return value
