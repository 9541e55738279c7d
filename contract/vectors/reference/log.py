"""README.md, 6 and 7: the Merkle tree of RFC 6962 and checkpoints as C2SP signed notes."""
import base64
import re

from canonical import Refused
from ed25519 import public_of, sign, verify
from envelope import base64_strict
from keys import did_key_decode, sha256

MAX_NOTE = 512
MAX_PROOF = 106
MAX_SAFE = 2**53 - 1


def leaf_hash(leaf):
    return sha256(b'\0' + leaf)


def node_hash(left, right):
    return sha256(b'\1' + left + right)


def split(n):
    """Largest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


class Tree:
    """RFC 6962 section 2.1 as it is defined; `at(i)` is the hash of leaf i."""

    def __init__(self, at, uniform=False):
        self.at, self.uniform, self.known = at, uniform, {}

    def root(self, start, end):
        if start == end:
            return sha256(b'')
        if end - start == 1:
            return self.at(start)
        # Where all leaves are equal, only the width of a range counts, so trees of 2^53 leaves can be had.
        key = end - start if self.uniform else (start, end)
        if key not in self.known:
            middle = start + split(end - start)
            self.known[key] = node_hash(self.root(start, middle), self.root(middle, end))
        return self.known[key]

    def inclusion(self, index, size, start=0):
        if size == 1:
            return []
        k = split(size)
        if index < k:
            return self.inclusion(index, k, start) + [self.root(start + k, start + size)]
        return self.inclusion(index - k, size - k, start + k) + [self.root(start, start + k)]

    def consistency(self, old, size, start=0, whole=True):
        if old == size:
            return [] if whole else [self.root(start, start + size)]
        k = split(size)
        if old <= k:
            return self.consistency(old, k, start, whole) + [self.root(start + k, start + size)]
        return self.consistency(old - k, size - k, start + k, False) + [self.root(start, start + k)]


def included(index, size, leaf, root, proof):
    """Recomputes the root by the definition, from the top down: another way than RFC 9162's loop."""
    if not 0 <= index < size <= MAX_SAFE or len(proof) > MAX_PROOF or any(len(h) != 32 for h in [leaf, root, *proof]):
        return False
    rest = list(proof)

    def climb(i, n):
        if n == 1:
            return leaf
        sibling, k = rest.pop(), split(n)
        return node_hash(climb(i, k), sibling) if i < k else node_hash(sibling, climb(i - k, n - k))
    try:
        return climb(index, size) == root and not rest
    except IndexError:
        return False


def consistent(old, size, old_root, root, proof):
    if not 0 < old <= size <= MAX_SAFE or len(proof) > MAX_PROOF or any(len(h) != 32 for h in [old_root, root, *proof]):
        return False
    rest = list(proof)

    def climb(m, n, whole):
        """(root of the first m, root of all n) of a subtree."""
        if m == n:
            h = old_root if whole else rest.pop()
            return h, h
        sibling, k = rest.pop(), split(n)
        if m <= k:
            a, b = climb(m, k, whole)
            return a, node_hash(b, sibling)
        a, b = climb(m - k, n - k, False)
        return node_hash(sibling, a), node_hash(sibling, b)
    try:
        return climb(old, size, True) == (old_root, root) and not rest
    except IndexError:
        return False


NOTE = re.compile(r'(([\x21-\x7e]{1,128})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n)\n\u2014 ([\x21-\x7e]{1,128}) ([A-Za-z0-9+/]{91}=)\n', re.ASCII)


def key_id(name, public_key):
    return sha256(name.encode() + b'\n\x01' + public_key)[:4]


def sign_checkpoint(seed, origin, size, root):
    text = f'{origin}\n{size}\n{base64.b64encode(root).decode()}\n'
    line = key_id(origin, public_of(seed)) + sign(seed, text.encode())
    return f'{text}\n\u2014 {origin} {base64.b64encode(line).decode()}\n'


def open_checkpoint(note, origin, key):
    """(size, root)"""
    match = NOTE.fullmatch(note) if len(note) <= MAX_NOTE else None
    if not match or match[2] != origin or match[5] != origin or int(match[3]) > MAX_SAFE:
        raise Refused('checkpoint_invalid', 'form')
    try:
        root, line = base64_strict(match[4]), base64_strict(match[6])
    except Refused:
        raise Refused('checkpoint_invalid', 'base64') from None
    public_key = did_key_decode(key)
    if line[:4] != key_id(origin, public_key) or not verify(public_key, match[1].encode(), line[4:]):
        raise Refused('checkpoint_invalid', 'signature')
    return int(match[3]), root
