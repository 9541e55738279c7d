"""README.md, 2 and 3: digests, and keys as did:key."""
import hashlib
import re

from canonical import Refused, canonical


def sha256(data):
    return hashlib.sha256(data).digest()


def digest_text(data):
    return 'sha256:' + sha256(data).hex()


def digest_of(value):
    return digest_text(canonical(value))


def is_digest(text):
    return re.fullmatch(r'sha256:[0-9a-f]{64}', text, re.ASCII) is not None


ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'


def base58(data):
    n, text = int.from_bytes(data, 'big'), ''
    while n:
        n, digit = divmod(n, 58)
        text = ALPHABET[digit] + text
    return '1' * (len(data) - len(data.lstrip(b'\0'))) + text


def base58_decode(text):
    n = 0
    for c in text:
        n = n * 58 + ALPHABET.index(c)
    return b'\0' * (len(text) - len(text.lstrip('1'))) + n.to_bytes((n.bit_length() + 7) // 8, 'big')


def did_key(public_key, multicodec=b'\xed\x01'):
    return 'did:key:z' + base58(multicodec + public_key)


def looks_like_did_key(text):
    return isinstance(text, str) and re.fullmatch(r'did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}', text, re.ASCII) is not None


def did_key_decode(text):
    if not looks_like_did_key(text):
        raise Refused('did_key_invalid', 'form')
    data = base58_decode(text[len('did:key:z'):])
    if len(data) != 34 or data[:2] != b'\xed\x01':
        raise Refused('did_key_invalid', 'not 32 bytes after ed 01')
    return data[2:]
