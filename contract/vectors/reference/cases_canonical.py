"""canonical.json, digests.json and did-key.json: what is expected is written here by hand, nothing is computed from itself."""
import struct

from keys import base58

# RFC 8785 appendix B: the double's bits and its one text.
NUMBERS = '''
0000000000000000 0
0000000000000001 5e-324
8000000000000001 -5e-324
7fefffffffffffff 1.7976931348623157e+308
ffefffffffffffff -1.7976931348623157e+308
4340000000000000 9007199254740992
c340000000000000 -9007199254740992
4430000000000000 295147905179352830000
44b52d02c7e14af5 9.999999999999997e+22
44b52d02c7e14af6 1e+23
44b52d02c7e14af7 1.0000000000000001e+23
444b1ae4d6e2ef4e 999999999999999700000
444b1ae4d6e2ef4f 999999999999999900000
444b1ae4d6e2ef50 1e+21
3eb0c6f7a0b5ed8c 9.999999999999997e-7
3eb0c6f7a0b5ed8d 0.000001
41b3de4355555553 333333333.3333332
41b3de4355555554 333333333.33333325
41b3de4355555555 333333333.3333333
41b3de4355555556 333333333.3333334
41b3de4355555557 333333333.33333343
becbf647612f3696 -0.0000033333333333333333
43143ff3c1cb0959 1424953923781206.2
'''

# name, JSON text, its canonical text (None: it has none).
TEXTS = [
    ('minus zero is zero', '[-0]', '[0]'),
    ('minus zero with a fraction', '[-0.0]', '[0]'),
    ('white space', ' { "a" : [ 1 , 2 ] } ', '{"a":[1,2]}'),
    ('a fraction of zero', '[1.0]', '[1]'),
    ('an exponent', '[1E2]', '[100]'),
    ('2^53 + 1 reads as the double below it', '[9007199254740993]', '[9007199254740992]'),
    ('a number too small is zero', '[1e-400]', '[0]'),
    ('key order', '{"b":1,"a":2}', '{"a":2,"b":1}'),
    ('keys sort by UTF-16 code units, not by code points', '{"\uff61":1,"\U0001f600":2}', '{"\U0001f600":2,"\uff61":1}'),
    ('the empty key comes first', '{"a":1,"":2}', '{"":2,"a":1}'),
    ('a key called __proto__', '{"b":1,"__proto__":2}', '{"__proto__":2,"b":1}'),
    ('keys that look like numbers are text', '{"10":1,"9":2,"1":3}', '{"1":3,"10":1,"9":2}'),
    ('an escape that is not needed', '"\\u0061\\/"', '"a/"'),
    ('escapes that are', '"\\u0000\\u0008\\u0009\\u000a\\u000c\\u000d\\u001f\\u0022\\u005c"', '"\\u0000\\b\\t\\n\\f\\r\\u001f\\"\\\\"'),
    ('delete and the line separators stay as they are', '"\\u007f\\u2028\\u2029"', '"\x7f\u2028\u2029"'),
    ('a surrogate pair is one character', '"\\ud83d\\ude00"', '"\U0001f600"'),
    ('no normalisation', '"A\u030a"', '"A\u030a"'),
    ('upper-case hex digits in an escape', '"\\u001F"', '"\\u001f"'),
    ('a lone high surrogate', '"\\ud800"', None),
    ('a lone low surrogate in a key', '{"\\udc00":1}', None),
    ('surrogates in the wrong order', '"\\ude00\\ud83d"', None),
    ('1e400 is not a double', '[1e400]', None),
    ('-1e400 is not a double', '[-1e400]', None),
    ('NaN', '[NaN]', None),
    ('Infinity', '[Infinity]', None),
    ('-Infinity', '[-Infinity]', None),
    ('a null value', 'null', 'null'),
    ('nothing', '', None),
    ('white space only', ' \n', None),
    ('a trailing comma', '[1,]', None),
    ('a comment', '[1]//', None),
    ('two documents', '{}{}', None),
    ('single quotes', "'a'", None),
    ('a leading zero', '[01]', None),
    ('a leading plus', '[+1]', None),
    ('no digit before the point', '[.5]', None),
    ('no digit after the point', '[1.]', None),
    ('hexadecimal', '[0x10]', None),
    ('a raw tab in a string', '"\t"', None),
    ('a cut string', '"a', None),
    ('32 arrays around a number', '[' * 32 + '1' + ']' * 32, '[' * 32 + '1' + ']' * 32),
    ('33 arrays, the innermost empty', '[' * 33 + ']' * 33, '[' * 33 + ']' * 33),
    ('33 arrays around a number', '[' * 33 + '1' + ']' * 33, None),
    ('34 arrays, the innermost empty', '[' * 34 + ']' * 34, None),
    ('32 objects around a number', '{"a":' * 32 + '1' + '}' * 32, '{"a":' * 32 + '1' + '}' * 32),
    ('33 objects around a number', '{"a":' * 33 + '1' + '}' * 33, None),
    ('1000 arrays', '[' * 1000 + ']' * 1000, None),
]

# name, bytes: not JSON text in UTF-8, so neither form exists.
BYTES = [
    ('a byte that is not UTF-8', b'"\xff"'),
    ('an overlong slash', b'"\xc0\xaf"'),
    ('a surrogate encoded in UTF-8', b'"\xed\xa0\x80"'),
    ('beyond U+10FFFF', b'"\xf4\x90\x80\x80"'),
    ('a cut sequence', b'"\xe2\x82"'),
    ('a byte order mark', b'\xef\xbb\xbf{}'),
    ('UTF-16', '{}'.encode('utf-16-le')),
]

# What a lenient parser reads: only "are these bytes canonical" is asked, which they are not.
DUPLICATES = ['{"a":1,"a":2}', '{"a":1,"a":1}', '{"a":1,"\\u0061":1}', '{"a":{"b":1,"b":1}}', '{"__proto__":1,"__proto__":1}']


def canonical_cases():
    for name, text, expected in TEXTS:
        yield {'name': f'3bot/{name}', 'input': text.encode().hex(), 'canonical': None if expected is None else expected.encode().hex(), 'expect': 'accept' if text == expected else 'refuse'}
        if expected is not None and expected != text:
            yield {'name': f'3bot/{name}, canonical', 'input': expected.encode().hex(), 'canonical': expected.encode().hex(), 'expect': 'accept'}
    for name, data in BYTES:
        yield {'name': f'3bot/{name}', 'input': data.hex(), 'canonical': None, 'expect': 'refuse'}
    for n, text in enumerate(DUPLICATES):
        yield {'name': f'3bot/duplicate keys {n}', 'input': text.encode().hex(), 'expect': 'refuse'}
    for bits, text in (line.split() for line in NUMBERS.split('\n') if line):
        loose = f'{struct.unpack(">d", bytes.fromhex(bits))[0]:.17e}'
        yield {'name': f'rfc8785-appendix-b/{bits}', 'input': f'[{loose}]'.encode().hex(), 'canonical': f'[{text}]'.encode().hex(), 'expect': 'refuse'}
        yield {'name': f'rfc8785-appendix-b/{bits}, canonical', 'input': f'[{text}]'.encode().hex(), 'canonical': f'[{text}]'.encode().hex(), 'expect': 'accept'}


# FIPS 180-4's examples; the 112 'a' … 'u' bytes and the million 'a' are left out.
SHA256 = [
    ('nothing', b'', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'),
    ('abc', b'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'),
    ('two blocks', b'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'),
]

# Canonical texts and their digests, as `printf %s TEXT | sha256sum` gives them.
DOCUMENTS = [
    ('an empty array', [], '4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945'),
    ('an empty object', {}, '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'),
    ('null', None, '74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b'),
    ('keys in another order', {'b': 1, 'a': 2}, 'd3626ac30a87e6f7a6428233b3c68299976865fa5508e4267c5415c76af7a772'),
]

HEX = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
DIGEST_TEXTS = [
    ('well formed', f'sha256:{HEX}', 'accept'), ('upper-case digits', f'sha256:{HEX.upper()}', 'refuse'), ('upper-case name', f'SHA256:{HEX}', 'refuse'),
    ('no name', HEX, 'refuse'), ('another algorithm', f'sha512:{HEX}', 'refuse'), ('a digit short', f'sha256:{HEX[:-1]}', 'refuse'), ('a digit more', f'sha256:{HEX}0', 'refuse'),
    ('not a digit', f'sha256:{HEX[:-1]}g', 'refuse'), ('a line feed after', f'sha256:{HEX}\n', 'refuse'), ('a space before', f' sha256:{HEX}', 'refuse'), ('nothing', '', 'refuse'),
]


def digest_cases():
    for name, data, expected in SHA256:
        yield {'name': f'fips180-4/{name}', 'bytes': data.hex(), 'digest': f'sha256:{expected}', 'expect': 'accept'}
    for name, value, expected in DOCUMENTS:
        yield {'name': f'3bot/{name}', 'value': value, 'digest': f'sha256:{expected}', 'expect': 'accept'}
    for name, text, expected in DIGEST_TEXTS:
        yield {'name': f'3bot/text: {name}', 'digest': text, 'expect': expected}


# did:key from the W3C CCG method's Ed25519 test vectors; the others are the public keys of RFC 8032 section 7.1.
W3C = ('3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29', 'did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp')
RFC8032_KEY = ('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw')


def did_key_cases():
    key = bytes.fromhex(W3C[0])
    good = W3C[1]
    yield {'name': 'w3c-ccg/Ed25519', 'did': good, 'publicKey': W3C[0], 'expect': 'accept'}
    yield {'name': '3bot/the key of RFC 8032 TEST 1', 'did': RFC8032_KEY[1], 'publicKey': RFC8032_KEY[0], 'expect': 'accept'}
    for name, raw in (('zeroes', bytes(32)), ('ones', b'\xff' * 32)):
        yield {'name': f'3bot/32 bytes are all that is asked here, a point or not: {name}', 'did': 'did:key:z' + base58(b'\xed\x01' + raw), 'publicKey': raw.hex(), 'expect': 'accept'}

    def encoded(data):
        return 'did:key:z' + base58(data)
    refused = [
        ('multicodec of X25519', encoded(b'\xec\x01' + key)), ('multicodec of secp256k1', encoded(b'\xe7\x01\x02' + key)), ('multicodec of P-256', encoded(b'\x80\x24\x02' + key)),
        ('multicodec of an Ed25519 private key', encoded(b'\x80\x26' + key)), ('no multicodec', encoded(key)), ('multicodec in one byte', encoded(b'\xed' + key)),
        ('31 bytes', encoded(b'\xed\x01' + key[:31])), ('33 bytes', encoded(b'\xed\x01' + key + b'\0')), ('no bytes', encoded(b'\xed\x01')), ('nothing', ''),
        ('well formed, but below ed 01 00…00', 'did:key:z6Mk' + '1' * 44), ('well formed, but above ed 01 ff…ff', 'did:key:z6Mk' + 'z' * 44),
        ('a zero byte before', encoded(b'\0\xed\x01' + key)), ('a one before', good.replace(':z', ':z1')),
        ('the letter O', good[:-1] + 'O'), ('the digit 0', good[:-1] + '0'), ('the letter I', good[:-1] + 'I'), ('the letter l', good[:-1] + 'l'),
        ('a character short', good[:-1]), ('a character more', good + 'p'), ('a line feed after', good + '\n'), ('a space before', ' ' + good), ('a fragment', good + '#' + good[8:]), ('a query', good + '?v=1'),
        ('base16 instead of base58', 'did:key:f' + (b'\xed\x01' + key).hex()), ('no multibase letter', good.replace(':z', ':')), ('upper-case multibase letter', good.replace(':z', ':Z')),
        ('another method', good.replace('did:key', 'did:web')), ('upper-case scheme', good.replace('did:key', 'DID:KEY')), ('no scheme', good[8:]), ('a letter that looks alike', good[:-1] + '\u0440'),
    ]
    for name, did in refused:
        yield {'name': f'3bot/{name}', 'did': did, 'expect': 'refuse'}


FILES = {
    'canonical.json': {
        'description': 'JSON text (input, hex of UTF-8) and its canonical form (hex; null: it has none, so serializing its value is refused; absent: not asked). expect: whether the input itself is accepted where canonical bytes are required.',
        'source': 'jcs/*: cyberphone/json-canonicalization @19d51d7f, testdata (Apache-2.0). rfc8785-appendix-b/*: RFC 8785 appendix B. 3bot/*: reference/cases_canonical.py.',
        'cases': canonical_cases,
    },
    'digests.json': {
        'description': 'SHA-256 as `sha256:<hex>`: of bytes (hex), of the canonical form of a value, or only the form of the text (accept or refuse).',
        'source': 'fips180-4/*: NIST FIPS 180-4 example values. 3bot/*: reference/cases_canonical.py.',
        'cases': digest_cases,
    },
    'did-key.json': {
        'description': 'Ed25519 public keys (hex) as did:key. Whether the bytes are a point is ed25519-rule.json\'s matter.',
        'source': 'w3c-ccg/*: did:key method test vectors, Ed25519 (https://w3c-ccg.github.io/did-key-spec/). 3bot/*: reference/cases_canonical.py.',
        'cases': did_key_cases,
    },
}
