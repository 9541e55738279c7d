"""ed25519-rule.json: signatures made with a known scalar so that every case but the named fault would verify."""
import hashlib

from ed25519 import BASE, L, P, ZERO, add, challenge, encode, expand, mul, neg, public_of, sign

SEEDS = {  # RFC 8032 section 7.1
    'TEST 1': '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'TEST 2': '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    'TEST 3': 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'TEST SHA(abc)': '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
}
# name: public key, message, signature as the RFC prints them. TEST 1024 is wycheproof/83.
RFC8032 = [
    ('TEST 1', 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', '', 'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b'),
    ('TEST 2', '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', '72', '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'),
    ('TEST 3', 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025', 'af82', '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'),
    ('TEST SHA(abc)', 'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf', hashlib.sha512(b'abc').hexdigest(), 'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704'),
]

SEED = bytes.fromhex(SEEDS['TEST 1'])
SCALAR = expand(SEED)[0]
KEY = public_of(SEED)
# A point of order 8: L times a point that is not torsion-free (the one whose y is 3, x even, has torsion of order 8).
MESSAGE = b'a sentence becomes a signed IT contract'


def torsion_points():
    """The eight points of small order, t[i] = i * t[1]."""
    from ed25519 import decode
    from canonical import Refused
    for y in range(2, 50):
        try:
            t = mul(L, decode(y.to_bytes(32, 'little')))
        except Refused:
            continue
        if encode(mul(4, t)) != encode(ZERO):
            return [mul(i, t) for i in range(8)]
    raise AssertionError('no point of order 8 found')


T = torsion_points()
ORDER = [1, 8, 4, 8, 2, 8, 4, 8]


def scalar_bytes(s):
    return s.to_bytes(32, 'little')


def respond(big_r, public_key, message, r, a=SCALAR):
    """R || s with s = r + k a mod L, whatever bytes R and the key are."""
    return big_r + scalar_bytes((r + challenge(big_r, public_key, message) * a) % L)


def grind(public_key, accept, r_point=lambda r: mul(r, BASE), a=0):
    """Counts r and message up until accept(k mod 8): the challenge then hides or shows the torsion as wanted."""
    for r in range(1, 1000):
        message = b'%s %d' % (MESSAGE, r)
        big_r = encode(r_point(r))
        if accept(challenge(big_r, public_key, message) % 8):
            return message, respond(big_r, public_key, message, r, a)
    raise AssertionError('no such challenge')


def case(name, public_key, message, signature, expect, why):
    return {'name': f'3bot/{name}', 'publicKey': public_key.hex(), 'message': message.hex(), 'signature': signature.hex(), 'expect': expect, 'why': why}


def accepted():
    for length in (0, 1, 46, 47, 48, 63, 64, 110, 111, 112, 128, 4096):
        message = bytes(i & 255 for i in range(length))
        yield case(f'a message of {length} bytes', KEY, message, sign(SEED, message), 'accept', 'with R and A before it, some of these end at the edges of SHA-512\'s blocks')
    big_r = encode(ZERO)
    yield case('R is the neutral element, in its one encoding', KEY, MESSAGE, respond(big_r, KEY, MESSAGE, 0), 'accept', 'only A\'s order is asked; R is compared as bytes')
    for name, scalar in (('the base point', 1), ('the negated base point', L - 1), ('twice the base point', 2)):
        public_key = encode(mul(scalar, BASE))
        big_r = encode(mul(7, BASE))
        yield case(f'A is {name}', public_key, MESSAGE, respond(big_r, public_key, MESSAGE, 7, scalar), 'accept', 'everybody knows its private key, but it is a key of the prime-order group')
    yield case('R equals A', KEY, MESSAGE, respond(KEY, KEY, MESSAGE, SCALAR % L), 'accept', 'nothing forbids it')


def ordinary_refusals():
    good = sign(SEED, MESSAGE)
    other = public_of(bytes.fromhex(SEEDS['TEST 2']))
    yield case('another message', KEY, MESSAGE + b'.', good, 'refuse', 'the equation does not hold')
    yield case('another key', other, MESSAGE, good, 'refuse', 'the equation does not hold')
    yield case('the negated key', encode(neg(mul(SCALAR, BASE))), MESSAGE, good, 'refuse', 'the equation does not hold')
    for bit in (0, 7, 128, 254, 255):
        changed = bytearray(good)
        changed[bit // 8] ^= 1 << bit % 8
        yield case(f'bit {bit} of R is another', KEY, MESSAGE, bytes(changed), 'refuse', 'R is compared as bytes, and is hashed')
    for bit in (0, 128, 251):
        changed = bytearray(good)
        changed[32 + bit // 8] ^= 1 << bit % 8
        yield case(f'bit {bit} of s is another', KEY, MESSAGE, bytes(changed), 'refuse', 'the equation does not hold')
    yield case('R and s in the other order', KEY, MESSAGE, good[32:] + good[:32], 'refuse', 'R comes first')
    yield case('R negated', KEY, MESSAGE, encode(neg(mul(3, BASE))) + respond(encode(mul(3, BASE)), KEY, MESSAGE, 3)[32:], 'refuse', 'R is hashed')
    yield case('all zero', KEY, MESSAGE, bytes(64), 'refuse', 'the equation does not hold')
    for length in (0, 32, 63):
        yield case(f'a signature of {length} bytes', KEY, MESSAGE, good[:length], 'refuse', 'a signature has 64 bytes')
    yield case('a signature of 65 bytes', KEY, MESSAGE, good + b'\0', 'refuse', 'a signature has 64 bytes')
    for name, dom in (('Ed25519ph', b'SigEd25519 no Ed25519 collisions\x01\0'), ('Ed25519ctx', b'SigEd25519 no Ed25519 collisions\0\x04test')):
        message = hashlib.sha512(MESSAGE).digest() if name == 'Ed25519ph' else MESSAGE
        big_r = encode(mul(5, BASE))
        k = int.from_bytes(hashlib.sha512(dom + big_r + KEY + message).digest(), 'little') % L
        yield case(f'a signature of {name}', KEY, MESSAGE, big_r + scalar_bytes((5 + k * SCALAR) % L), 'refuse', 'plain Ed25519 only (RFC 8032 section 5.1)')


def scalars_out_of_range():
    good = sign(SEED, MESSAGE)
    s = int.from_bytes(good[32:], 'little')
    for n in (1, 2, 7, 14):
        yield case(f's + {n} L', KEY, MESSAGE, good[:32] + scalar_bytes(s + n * L), 'refuse', 's must be below L: the equation alone holds')
    for bit in (253, 254, 255):
        yield case(f's with bit {bit} set', KEY, MESSAGE, good[:32] + scalar_bytes(s | 1 << bit), 'refuse', 's must be below L: its top bits are not masked')
    neutral = encode(ZERO)
    for name, value in (('L', L), ('L - 1', L - 1), ('0', 0), ('2^256 - 1', 2**256 - 1)):
        yield case(f's = {name}', KEY, MESSAGE, neutral + scalar_bytes(value), 'refuse', 's must be below L' if value >= L else 'below L, but the equation does not hold')


def torsioned_r():
    for i in range(1, 8):
        big_r = encode(add(mul(11, BASE), T[i]))
        yield case(f'R with torsion {i}/8 added, s to match', KEY, MESSAGE, respond(big_r, KEY, MESSAGE, 11), 'refuse', 'holds only when multiplied by the cofactor')
    for i in range(1, 8):
        big_r = encode(T[i])
        yield case(f'R is torsion point {i}/8, s to match', KEY, MESSAGE, respond(big_r, KEY, MESSAGE, 0), 'refuse', 'holds only when multiplied by the cofactor')


def r_encodings():
    """s to match the neutral element, which a lenient decoder reads here; the hash is over these very bytes."""
    for name, data in (('y = p + 1', scalar_bytes(P + 1)), ('y = 1 with the sign of x set', scalar_bytes(1 | 1 << 255)), ('y = p + 1 with the sign of x set', scalar_bytes(P + 1 | 1 << 255))):
        yield case(f'R not canonical: {name}', KEY, MESSAGE, respond(data, KEY, MESSAGE, 0), 'refuse', 'R is compared as bytes with a canonical encoding')


def keys_of_small_order():
    for i in range(8):
        public_key = encode(T[i])
        message, signature = grind(public_key, lambda k, i=i: k * i % 8 == 0)
        yield case(f'A is torsion point {i}/8', public_key, message, signature, 'refuse', 'A is of small order; the equation holds without the cofactor')
    lenient = [('y = p', P, 4), ('y = p with the sign of x set', P | 1 << 255, 4), ('y = p + 1', P + 1, 1), ('y = p + 1 with the sign of x set', P + 1 | 1 << 255, 1), ('y = 1 with the sign of x set', 1 | 1 << 255, 1), ('y = p - 1 with the sign of x set', P - 1 | 1 << 255, 2)]
    for name, value, order in lenient:
        public_key = scalar_bytes(value)
        message, signature = grind(public_key, lambda k, order=order: k % order == 0)
        yield case(f'A not canonical and of small order: {name}', public_key, message, signature, 'refuse', 'A is not canonical; a lenient decoder finds the equation to hold')


def torsioned_keys():
    for i in range(1, 8):
        public_key = encode(add(mul(SCALAR, BASE), T[i]))
        message, signature = grind(public_key, lambda k, i=i: k * i % 8 == 0, a=SCALAR)
        yield case(f'A with torsion {i}/8 added, the challenge hides it', public_key, message, signature, 'refuse', 'A is not free of torsion; the equation holds without the cofactor')
        message, signature = grind(public_key, lambda k, i=i: k * i % 8 != 0, a=SCALAR)
        yield case(f'A with torsion {i}/8 added, the challenge shows it', public_key, message, signature, 'refuse', 'A is not free of torsion; holds only when multiplied by the cofactor')
    public_key = encode(add(mul(SCALAR, BASE), T[1]))
    message, signature = grind(public_key, lambda k: k == 3, lambda r: add(mul(r, BASE), neg(T[3])), SCALAR)
    yield case('A and R with torsion that cancels', public_key, message, signature, 'refuse', 'A is not free of torsion; the equation holds without the cofactor')


def keys_that_are_none():
    good = sign(SEED, MESSAGE)
    for name, value in (('y = 2 is on no point', 2), ('y = p + 3 is not canonical, and not of small order', P + 3), ('y = 2^255 - 1', 2**255 - 1), ('all bits set', 2**256 - 1)):
        yield case(f'A: {name}', scalar_bytes(value), MESSAGE, good, 'refuse', 'A is no canonical encoding of a point')


def ed25519_cases():
    for name, public_key, message, signature in RFC8032:
        if sign(bytes.fromhex(SEEDS[name]), bytes.fromhex(message)).hex() != signature:
            raise AssertionError(name)
        yield {'name': f'rfc8032/{name}', 'publicKey': public_key, 'message': message, 'signature': signature, 'expect': 'accept', 'why': 'RFC 8032 section 7.1'}
    for part in (accepted, ordinary_refusals, scalars_out_of_range, torsioned_r, r_encodings, keys_of_small_order, torsioned_keys, keys_that_are_none):
        yield from part()


FILES = {
    'ed25519-rule.json': {
        'description': 'publicKey, message and signature in hex; expect: what the one rule says of them. Every implementation of the rule must agree on every case.',
        'source': 'rfc8032/*: RFC 8032 section 7.1. speccheck/*: novifinancial/ed25519-speccheck @65519336, cases.json (Apache-2.0), verdicts by our rule. wycheproof/*: C2SP/wycheproof @dac1dd47, testvectors_v1/ed25519_test.json (Apache-2.0), by tcId. 3bot/*: reference/cases_ed25519.py.',
        'cases': ed25519_cases,
    },
}
