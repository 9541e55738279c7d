"""README.md, 4: the one rule for signatures, with the arithmetic of RFC 8032 section 5.1 in extended coordinates."""
import hashlib

from canonical import Refused

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
ZERO = (0, 1, 1, 0)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def mul(n, p):
    q = ZERO
    while n:
        if n & 1:
            q = add(q, p)
        p = add(p, p)
        n >>= 1
    return q


def neg(p):
    return -p[0] % P, p[1], p[2], -p[3] % P


def equal(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def encode(p):
    inverse = pow(p[2], P - 2, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, 'little')


def decode(data):
    """RFC 8032 section 5.1.3; y must be below p, and x = 0 has no sign: one encoding a point."""
    n = int.from_bytes(data, 'little')
    y, odd = n & (1 << 255) - 1, n >> 255
    if len(data) != 32 or y >= P:
        raise Refused('key_invalid', 'not a canonical encoding')
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x + u) % P == 0:
        x = x * SQRT_M1 % P
    if (v * x * x - u) % P != 0 or (x == 0 and odd):
        raise Refused('key_invalid', 'not a point')
    if x & 1 != odd:
        x = P - x
    return x, y, 1, x * y % P


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, 'little'))


def key_point(public_key):
    a = decode(public_key)
    if equal(mul(8, a), ZERO):
        raise Refused('key_invalid', 'small order')
    if not equal(mul(L, a), ZERO):
        raise Refused('key_invalid', 'not free of torsion')
    return a


def challenge(r, public_key, message):
    return int.from_bytes(hashlib.sha512(r + public_key + message).digest(), 'little') % L


def verify(public_key, message, signature):
    """The one rule."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    try:
        a = key_point(public_key)
    except Refused:
        return False
    r, s = signature[:32], int.from_bytes(signature[32:], 'little')
    if s >= L:
        return False
    k = challenge(r, public_key, message)
    return encode(add(mul(s, BASE), neg(mul(k, a)))) == r


def expand(seed):
    h = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(h[:32], 'little') & (1 << 254) - 8 | 1 << 254
    return scalar, h[32:]


def public_of(seed):
    return encode(mul(expand(seed)[0], BASE))


def sign(seed, message):
    a, prefix = expand(seed)
    public_key = public_of(seed)
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), 'little') % L
    big_r = encode(mul(r, BASE))
    return big_r + ((r + challenge(big_r, public_key, message) * a) % L).to_bytes(32, 'little')
