"""merkle.json and checkpoints.json."""
import base64

from cases_ed25519 import SEED, SEEDS
from cases_envelopes import DID, left_over
from ed25519 import public_of, sign
from keys import did_key, sha256
from log import Tree, key_id, leaf_hash, sign_checkpoint

# The leaves and roots that certificate-transparency's own tests use.
CT_LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
CT_ROOTS = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]


def hexes(hashes):
    return [h.hex() for h in hashes]


def inclusion(name, tree, index, size, expect='accept', /, **changes):
    fields = {'index': index, 'size': size, 'leafHash': tree.at(index).hex(), 'root': tree.root(0, size).hex(), 'proof': hexes(tree.inclusion(index, size))}
    return {'name': f'3bot/{name}', 'of': 'inclusion', **fields, **changes, 'expect': expect}


def consistency(name, tree, old, size, expect='accept', /, **changes):
    fields = {'from': old, 'to': size, 'fromRoot': tree.root(0, old).hex(), 'toRoot': tree.root(0, size).hex(), 'proof': hexes(tree.consistency(old, size))}
    return {'name': f'3bot/{name}', 'of': 'consistency', **fields, **changes, 'expect': expect}


def flipped(text):
    return ('0' if text[0] != '0' else '1') + text[1:]


def tampered(kind, make, tree, a, b):
    whole = make('', tree, a, b)
    proof = whole['proof']
    for at in range(len(proof)):
        yield make(f'{kind} {a} of {b}: hash {at} changed', tree, a, b, 'refuse', proof=[flipped(h) if i == at else h for i, h in enumerate(proof)])
    yield make(f'{kind} {a} of {b}: first hash left out', tree, a, b, 'refuse', proof=proof[1:])
    yield make(f'{kind} {a} of {b}: last hash left out', tree, a, b, 'refuse', proof=proof[:-1])
    yield make(f'{kind} {a} of {b}: a hash more', tree, a, b, 'refuse', proof=[*proof, proof[0]])
    yield make(f'{kind} {a} of {b}: a hash more before', tree, a, b, 'refuse', proof=[proof[0], *proof])
    if len(proof) > 1:
        yield make(f'{kind} {a} of {b}: other order', tree, a, b, 'refuse', proof=proof[::-1])
    yield make(f'{kind} {a} of {b}: no proof', tree, a, b, 'refuse', proof=[])
    yield make(f'{kind} {a} of {b}: a hash of 31 bytes', tree, a, b, 'refuse', proof=[proof[0][:-2], *proof[1:]])
    yield make(f'{kind} {a} of {b}: 107 hashes', tree, a, b, 'refuse', proof=[proof[0]] * 107)


def merkle_cases():
    ct = Tree(lambda i: leaf_hash(bytes.fromhex(CT_LEAVES[i])))
    for size, root in enumerate(CT_ROOTS):
        yield {'name': f'certificate-transparency/root of {size}', 'of': 'root', 'leaves': CT_LEAVES[:size], 'root': root, 'expect': 'accept'}
    for size in range(1, 9):
        for index in range(size):
            yield inclusion(f'leaf {index} of {size}', ct, index, size)
        for old in range(1, size + 1):
            yield consistency(f'{old} before {size}', ct, old, size)
    # Leaf i is the four bytes of i, big-endian.
    counted = Tree(lambda i: leaf_hash(i.to_bytes(4, 'big')))
    for size in (9, 64, 100, 127, 128, 129, 1000):
        yield {'name': f'3bot/root of {size} counted leaves', 'of': 'root', 'counted': size, 'root': counted.root(0, size).hex(), 'expect': 'accept'}
        for index in sorted({0, size // 2, size - 1}):
            yield inclusion(f'counted leaf {index} of {size}', counted, index, size)
        for old in sorted({1, size // 2, size - 1}):
            yield consistency(f'counted {old} before {size}', counted, old, size)
    # All leaves equal: sizes that no 32-bit integer holds.
    equal = Tree(lambda i: leaf_hash(b'equal'), uniform=True)
    for size in (2**31 + 1, 2**32, 2**33 + 5, 2**53 - 1):
        for index in (0, size // 2 + 1, size - 1):
            yield inclusion(f'equal leaf {index} of {size}', equal, index, size)
        for old in sorted({1, 2**31, size - 1}):
            yield consistency(f'equal {old} before {size}', equal, old, size)
    yield from tampered('inclusion of', inclusion, counted, 41, 100)
    yield from tampered('consistency of', consistency, counted, 41, 100)
    yield from tampered('consistency of', consistency, counted, 64, 100)
    other = counted.root(0, 99).hex()
    yield inclusion('another root', counted, 41, 100, 'refuse', root=other)
    yield inclusion('another leaf', counted, 41, 100, 'refuse', leafHash=counted.at(40).hex())
    yield inclusion('another index', counted, 41, 100, 'refuse', index=40)
    yield inclusion('another size', counted, 41, 100, 'refuse', size=200)
    yield inclusion('index is the size', counted, 41, 100, 'refuse', index=100)
    yield inclusion('a negative index', counted, 41, 100, 'refuse', index=-1)
    yield inclusion('a fraction', counted, 41, 100, 'refuse', index=41.5)
    yield inclusion('the size is no safe integer', counted, 41, 100, 'refuse', size=2**60)
    yield inclusion('in a tree of none', counted, 0, 1, 'refuse', size=0, root=CT_ROOTS[0])
    yield inclusion('an inner node as a leaf', counted, 0, 2, 'refuse', index=0, size=1, leafHash=sha256(b'\1' + counted.at(0) + counted.at(1)).hex(), root=counted.root(0, 4).hex(), proof=[])
    yield inclusion('a root of 31 bytes', counted, 41, 100, 'refuse', root=other[:-2])
    yield consistency('another older root', counted, 41, 100, 'refuse', fromRoot=other)
    yield consistency('another newer root', counted, 41, 100, 'refuse', toRoot=other)
    yield consistency('roots exchanged', counted, 41, 100, 'refuse', fromRoot=counted.root(0, 100).hex(), toRoot=counted.root(0, 41).hex())
    yield consistency('the newer is smaller', counted, 41, 100, 'refuse', **{'from': 100, 'to': 41})
    yield consistency('nothing is proven from the empty tree', counted, 41, 100, 'refuse', **{'from': 0, 'fromRoot': CT_ROOTS[0], 'proof': []})
    yield consistency('the same size needs no proof, and has none', counted, 100, 100, 'refuse', proof=[other])
    yield consistency('the same size, another root', counted, 100, 100, 'refuse', toRoot=other)


ORIGIN = '3bot/' + '11' * 32
ROOT = sha256(b'root')


def checkpoint_cases():
    def case(name, note, expect, origin=ORIGIN, key=DID, **more):
        return {'name': f'3bot/{name}', 'note': note, 'origin': origin, 'key': key, 'expect': expect, **more}
    good = sign_checkpoint(SEED, ORIGIN, 41, ROOT)
    text, signature = good.split('\n\n')
    other_seed = bytes.fromhex(SEEDS['TEST 2'])
    other_line = sign_checkpoint(other_seed, ORIGIN, 41, ROOT).split('\n\n')[1]
    for size in (0, 1, 41, 2**32, 2**53 - 1):
        root = sha256(b'') if size == 0 else ROOT
        yield case(f'size {size}', sign_checkpoint(SEED, ORIGIN, size, root), 'accept', size=size, root=root.hex())
    yield case('another key', sign_checkpoint(other_seed, ORIGIN, 41, ROOT), 'accept', key=did_key(public_of(other_seed)), size=41, root=ROOT.hex())
    yield case('signed by another key', sign_checkpoint(other_seed, ORIGIN, 41, ROOT), 'refuse')
    forged = key_id(ORIGIN, public_of(SEED)) + sign(other_seed, (text + '\n').encode())
    yield case('signed by another key under this key\'s id', f'{text}\n\n\u2014 {ORIGIN} {base64.b64encode(forged).decode()}\n', 'refuse')
    foreign = '3bot/' + '22' * 32
    yield case('of another log', sign_checkpoint(SEED, foreign, 41, ROOT), 'refuse')
    yield case('of another log, with this log\'s name in the text', good.replace(ORIGIN, foreign, 1), 'refuse')
    yield case('of another log, with this log\'s name on the signature', sign_checkpoint(SEED, foreign, 41, ROOT).replace(foreign, ORIGIN, 1), 'refuse')
    yield case('another size', good.replace('\n41\n', '\n42\n'), 'refuse')
    yield case('another root', good.replace(base64.b64encode(ROOT).decode(), base64.b64encode(sha256(b'other')).decode()), 'refuse')
    for name, size in (('a leading zero', '041'), ('a sign', '+41'), ('2^53', str(2**53)), ('17 digits', '1' * 17), ('no digits', ''), ('hexadecimal', '0x29'), ('a fraction', '41.0'), ('negative', '-1')):
        yield case(f'size: {name}', sign_checkpoint(SEED, ORIGIN, size, ROOT), 'refuse')
    for name, root in (('31 bytes', ROOT[:31]), ('33 bytes', ROOT + b'\0'), ('nothing', b'')):
        yield case(f'root: {name}', sign_checkpoint(SEED, ORIGIN, 41, root), 'refuse')
    yield case('an extension line, signed', resigned(text + '\nextension\n'), 'refuse')
    yield case('a second signature by another key', good + other_line, 'refuse')
    yield case('the same signature twice', good + signature, 'refuse')
    yield case('another key\'s signature first', text + '\n\n' + other_line + signature, 'refuse')
    yield case('no signature', text + '\n\n', 'refuse')
    for name, note in (('a line feed more', good + '\n'), ('a character more', good + 'x'), ('no line feed at the end', good[:-1]), ('a line feed before', '\n' + good), ('a space before', ' ' + good), ('carriage returns', good.replace('\n', '\r\n')), ('a hyphen for the dash', good.replace('\u2014', '-')), ('two spaces after the dash', good.replace('\u2014 ', '\u2014  ')), ('no empty line', good.replace('\n\n', '\n')), ('two empty lines', good.replace('\n\n', '\n\n\n')), ('nothing', ''), ('a byte order mark', '\ufeff' + good), ('more than 512 characters', good + ' ' * 512)):
        yield case(name, note, 'refuse')
    line = base64.b64decode(signature.split(' ')[2])
    for name, data in (('another key id', bytes([line[0] ^ 1]) + line[1:]), ('a signature bit', line[:-1] + bytes([line[-1] ^ 1])), ('a byte short', line[:-1]), ('a byte more', line + b'\0'), ('a cosignature\'s algorithm 4', key_id_of(4) + line[4:])):
        yield case(f'signature line: {name}', f'{text}\n\n\u2014 {ORIGIN} {base64.b64encode(data).decode()}\n', 'refuse')
    yield case('signature line: bits left over', left_over(good[:-1]) + '\n', 'refuse')


def key_id_of(algorithm):
    return sha256(ORIGIN.encode() + b'\n' + bytes([algorithm]) + public_of(SEED))[:4]


def resigned(text):
    line = key_id(ORIGIN, public_of(SEED)) + sign(SEED, text.encode())
    return f'{text}\n\u2014 {ORIGIN} {base64.b64encode(line).decode()}\n'


FILES = {
    'merkle.json': {
        'description': 'Merkle trees of RFC 6962, hashes in hex. of: root (leaves in hex, or the number of `counted` leaves: leaf i is the four bytes of i, big-endian), inclusion or consistency; expect: whether the proof is accepted.',
        'source': 'certificate-transparency/*: the leaves and roots of google/certificate-transparency\'s merkle tree tests. transparency-dev/*: transparency-dev/merkle @417fb0c3, testdata (Apache-2.0); one that calls texts of 12 bytes roots is refused here. 3bot/*: reference/cases_log.py.',
        'cases': merkle_cases,
    },
    'checkpoints.json': {
        'description': 'C2SP checkpoints with one signature: the note, the origin and key that the reader expects, and whether it is accepted (then size and root, hex).',
        'source': '3bot/*: reference/cases_log.py; formats: https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note.',
        'cases': checkpoint_cases,
    },
}
