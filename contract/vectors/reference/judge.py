"""Holds every case of every file against this implementation; what is expected was written down apart from it."""
from canonical import Refused, canonical, parse_canonical, parse_json
from contract import check_body, deployment_id
from ed25519 import verify
from envelope import open_envelope, pre_auth
from keys import did_key, did_key_decode, digest_of, digest_text, is_digest
from log import Tree, consistent, included, leaf_hash, open_checkpoint
from policy import check_policy, evaluate, resolve

unhex = bytes.fromhex


def verdict(work, *arguments):
    """(accept or the code of the refusal, result)"""
    try:
        return 'accept', work(*arguments)
    except Refused as refused:
        return refused.code, None


def judge_canonical(c):
    data = unhex(c['input'])
    said, _ = verdict(parse_canonical, data)
    form = verdict(lambda: canonical(parse_json(data)).hex())[1]
    return (said == 'accept') == (c['expect'] == 'accept') and ('canonical' not in c or c['canonical'] == form)


def judge_digest(c):
    if 'bytes' in c:
        return digest_text(unhex(c['bytes'])) == c['digest']
    if 'value' in c:
        return digest_of(c['value']) == c['digest']
    return is_digest(c['digest']) == (c['expect'] == 'accept')


def judge_did_key(c):
    said, raw = verdict(did_key_decode, c['did'])
    if c['expect'] != 'accept':
        return said == 'did_key_invalid'
    return said == 'accept' and raw.hex() == c['publicKey'] and did_key(raw) == c['did']


def judge_signature(c):
    return verify(unhex(c['publicKey']), unhex(c['message']), unhex(c['signature'])) == (c['expect'] == 'accept')


def judge_envelope(c):
    said, opened = verdict(open_envelope, c['envelope'])
    if c['expect'] != 'accept':
        return said == c['expect']
    return said == 'accept' and opened == (c['kind'], unhex(c['payload']), c['key']) and pre_auth(c['envelope']['payloadType'], opened[1]).hex() == c['preAuth']


def judge_pre_auth(c):
    return pre_auth(c['payloadType'], unhex(c['payload'])).hex() == c['preAuth']


def judge_merkle(c):
    if c['of'] == 'root':
        leaves = [unhex(leaf) for leaf in c['leaves']] if 'leaves' in c else [i.to_bytes(4, 'big') for i in range(c['counted'])]
        return Tree(lambda i: leaf_hash(leaves[i])).root(0, len(leaves)).hex() == c['root']
    proof = [unhex(h) for h in c['proof']]
    if c['of'] == 'inclusion':
        said = isinstance(c['index'], int) and included(c['index'], c['size'], unhex(c['leafHash']), unhex(c['root']), proof)
    else:
        said = consistent(c['from'], c['to'], unhex(c['fromRoot']), unhex(c['toRoot']), proof)
    return said == (c['expect'] == 'accept')


def judge_checkpoint(c):
    said, opened = verdict(open_checkpoint, c['note'], c['origin'], c['key'])
    if c['expect'] != 'accept':
        return said == 'checkpoint_invalid'
    return said == 'accept' and opened == (c['size'], unhex(c['root']))


def judge_contract(c):
    header, data = c['header'], unhex(c['bodyBytes'])
    said, _ = verdict(check_body, header, data)
    if c['expect'] != 'accept':
        return said == c['expect']
    named = deployment_id(header['grid'], header['requester'], header['derivation']['nonce']) == header['deployment'] == c['deployment']
    return said == 'accept' and named and canonical(header).hex() == c['headerBytes'] and digest_of(header) == c['contract']


def judge_policy(c):
    if c['of'] == 'evaluation':
        check_policy(c['policy'])
        return evaluate(c['policy'], c['votes']) == c['expect']
    if c['of'] == 'form':
        return (verdict(check_policy, c['policy'])[0] == 'accept') == (c['expect'] == 'accept')
    try:
        return resolve(c['template'], c['roster'], c.get('requester')) == c.get('policy')
    except Refused as refused:
        return c['expect'] == 'refuse' and str(refused) == 'roles_missing: ' + ' '.join(c['missingRoles'])


JUDGES = {
    'canonical.json': judge_canonical,
    'checkpoints.json': judge_checkpoint,
    'contracts.json': judge_contract,
    'did-key.json': judge_did_key,
    'digests.json': judge_digest,
    'ed25519-rule.json': judge_signature,
    'envelopes.json': judge_envelope,
    'merkle.json': judge_merkle,
    'policies.json': judge_policy,
    'pre-auth.json': judge_pre_auth,
}
