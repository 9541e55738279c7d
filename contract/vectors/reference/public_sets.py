"""Other people's vectors, from the folders they publish, as cases of our files. Needed only to take in a new edition."""
import base64
import json
from pathlib import Path


def read(folder, name):
    return json.loads((Path(folder) / name).read_text('utf-8'))


def jcs(folder):
    for path in sorted((Path(folder) / 'jcs/input').iterdir()):
        canonical = ''.join((Path(folder) / 'jcs/outhex' / (path.stem + '.txt')).read_text().split())
        yield {'name': f'jcs/{path.stem}', 'input': path.read_bytes().hex(), 'canonical': canonical, 'expect': 'refuse'}
        yield {'name': f'jcs/{path.stem}, canonical', 'input': canonical, 'canonical': canonical, 'expect': 'accept'}


def speccheck(folder):
    why = ['A is of small order'] * 2 + ['A is not free of torsion'] * 4 + ['s is not below L'] * 2 + ['A is not free of torsion', 'A is not canonical', 'A is not canonical', 'A is not canonical']
    for n, c in enumerate(read(folder, 'ed25519-speccheck.json')):
        yield {'name': f'speccheck/{n}', 'publicKey': c['pub_key'], 'message': c['message'], 'signature': c['signature'], 'expect': 'refuse', 'why': why[n]}


def wycheproof(folder):
    for group in read(folder, 'wycheproof-ed25519_test.json')['testGroups']:
        for t in group['tests']:
            expect = {'valid': 'accept', 'invalid': 'refuse'}[t['result']]
            yield {'name': f'wycheproof/{t["tcId"]}', 'publicKey': group['publicKey']['pk'], 'message': t['msg'], 'signature': t['sig'], 'expect': expect, 'why': t['comment'] or ', '.join(t['flags'])}


def merkle(folder):
    def unbase(text):
        return base64.b64decode(text).hex()
    sets = read(folder, 'rfc6962-merkle.json')
    for path, c in sets['inclusion'].items():
        yield {'name': f'transparency-dev/inclusion/{path.removesuffix(".json")}', 'of': 'inclusion', 'index': c['leafIdx'], 'size': c['treeSize'], 'leafHash': unbase(c['leafHash']), 'root': unbase(c['root']), 'proof': [unbase(h) for h in c['proof'] or []], 'expect': 'refuse' if c['wantErr'] else 'accept'}
    for path, c in sets['consistency'].items():
        roots = unbase(c['root1']), unbase(c['root2'])
        # One case calls two texts of 12 bytes roots; here a root is 32 bytes.
        expect = 'refuse' if c['wantErr'] or any(len(r) != 64 for r in roots) else 'accept'
        yield {'name': f'transparency-dev/consistency/{path.removesuffix(".json")}', 'of': 'consistency', 'from': c['size1'], 'to': c['size2'], 'fromRoot': roots[0], 'toRoot': roots[1], 'proof': [unbase(h) for h in c['proof'] or []], 'expect': expect}


PUBLIC = {'canonical.json': [jcs], 'ed25519-rule.json': [speccheck, wycheproof], 'merkle.json': [merkle]}
PREFIXES = ('jcs/', 'speccheck/', 'wycheproof/', 'transparency-dev/')
