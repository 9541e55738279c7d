"""envelopes.json: DSSE envelopes, good ones and one for each way to be refused. The signing key is that of RFC 8032 TEST 1."""
import base64

from canonical import canonical
from cases_ed25519 import KEY, SEED, SEEDS, T
from ed25519 import encode, public_of, sign
from envelope import pre_auth
from keys import did_key

GRID = 'sha256:' + '11' * 32
TICK = 'application/vnd.3bot.tick.v1+json'
ALIVE = 'application/vnd.3bot.node.alive.v1+json'
PAYLOAD = {'grid': GRID, 'beat': 7}
DID = did_key(KEY)


def b64(data):
    return base64.b64encode(data).decode()


def sealed(payload, payload_type=TICK, seed=SEED, keyid=None):
    return {'payloadType': payload_type, 'payload': b64(payload), 'signatures': [{'keyid': keyid or did_key(public_of(seed)), 'sig': b64(sign(seed, pre_auth(payload_type, payload)))}]}


def good_cases():
    yield 'a tick', TICK, canonical(PAYLOAD), SEED
    yield 'a kind with a point', ALIVE, canonical({'grid': GRID, 'by': 'sha256:' + '22' * 32, 'beat': 7}), SEED
    yield 'characters beyond ASCII: lengths are bytes', TICK, canonical({'name': 'Zürich \U0001f3d4'}), SEED
    yield 'a payload that is no object: the shape of a kind is asked later', TICK, b'null', SEED
    yield 'another key', TICK, canonical(PAYLOAD), bytes.fromhex(SEEDS['TEST 2'])


def left_over(text):
    """The same bytes in another text: the bits under the padding are not zero."""
    end = len(text.rstrip('=')) - 1
    if end == len(text) - 1:
        raise AssertionError('no padding to hide bits under')
    return text[:end] + chr(ord(text[end]) + 1) + text[end + 1:]


def with_payload(envelope, text):
    return {**envelope, 'payload': text}


def with_signature(envelope, **changes):
    return {**envelope, 'signatures': [{**envelope['signatures'][0], **changes}]}


def invalid_forms(good):
    signature = good['signatures'][0]
    yield from (('a number', 7), ('null', None), ('a list', [good]), ('text', 'envelope'), ('nothing in it', {}))
    yield 'an unknown field', {**good, 'extra': 1}
    yield 'no payload type', {k: v for k, v in good.items() if k != 'payloadType'}
    yield 'a payload that is no text', with_payload(good, {})
    yield 'no signature', {**good, 'signatures': []}
    yield 'two signatures', {**good, 'signatures': [signature, signature]}
    yield 'signatures are no list', {**good, 'signatures': signature}
    yield 'an unknown field in the signature', with_signature(good, extra=1)
    yield 'no keyid', {**good, 'signatures': [{'sig': signature['sig']}]}
    yield 'a keyid that is no did:key', with_signature(good, keyid=KEY.hex())
    yield 'a keyid of X25519', with_signature(good, keyid=did_key(KEY, b'\xec\x01'))
    for name, payload_type in (('a foreign type', 'text/plain'), ('version 2', TICK.replace('v1', 'v2')), ('upper case', TICK.replace('tick', 'Tick')), ('three parts', TICK.replace('tick', 'a.b.c')), ('a parameter', TICK + '; charset=utf-8'), ('a line feed after', TICK + '\n'), ('an empty kind', TICK.replace('tick', '')), ('a kind of one part that is not tick', TICK.replace('tick', 'tock'))):
        yield f'payload type: {name}', sealed(canonical(PAYLOAD), payload_type)
    payload = good['payload']
    for name, text in (('white space', payload[:4] + ' ' + payload[4:]), ('a line feed after', payload + '\n'), ('no padding', payload.rstrip('=')), ('padding in the middle', 'e30=' + payload), ('padding alone', '===='), ('one character', 'A'), ('a letter beyond ASCII', '\u00e9' + payload[1:]), ('the character of code zero', '\0' + payload[1:]), ('padding too much', payload.rstrip('=') + '===='), ('bits left over', left_over(payload)), ('the URL alphabet', b64(canonical('\u00ff\u00ff?>~')).replace('/', '_').replace('+', '-'))):
        yield f'base64: {name}', with_payload(good, text)
    for name, text in (('85 characters', signature['sig'][:-4] + '='), ('no padding', signature['sig'].rstrip('=')), ('bits left over', left_over(signature['sig'])), ('63 bytes', b64(base64.b64decode(signature['sig'])[:63])), ('hex', base64.b64decode(signature['sig']).hex())):
        yield f'signature: {name}', with_signature(good, sig=text)
    for name, data in (('key order', b'{"grid":"g","beat":7}'), ('white space', b'{"beat": 7}'), ('duplicate keys', b'{"beat":7,"beat":7}'), ('a number form', b'{"beat":7.0}'), ('no JSON', b'beat'), ('nothing', b''), ('a byte order mark', b'\xef\xbb\xbf{}'), ('invalid UTF-8', b'"\xff"')):
        yield f'signed, but not canonical: {name}', sealed(data)


def invalid_signatures(good):
    yield 'another payload', with_payload(good, b64(canonical({**PAYLOAD, 'beat': 8})))
    yield 'another type', {**good, 'payloadType': ALIVE}
    yield 'the name of another key', with_signature(good, keyid=did_key(public_of(bytes.fromhex(SEEDS['TEST 2']))))
    yield 'over the payload without the type', with_signature(good, sig=b64(sign(SEED, canonical(PAYLOAD))))
    yield 'over the base64 text', with_signature(good, sig=b64(sign(SEED, pre_auth(TICK, good['payload'].encode()))))
    yield 'over the canonical envelope', with_signature(good, sig=b64(sign(SEED, canonical({'payloadType': TICK, 'payload': good['payload']}))))
    yield '65 bytes, which have as many characters', with_signature(good, sig=b64(base64.b64decode(good['signatures'][0]['sig']) + b'\0'))
    yield 'all zero', with_signature(good, sig=b64(bytes(64)))
    yield 'a key of small order', with_signature(good, keyid=did_key(encode(T[0])), sig=b64(encode(T[0]) + bytes(32)))
    yield 'a keyid in form that is no key', with_signature(good, keyid='did:key:z6Mk' + '1' * 44)


def envelope_cases():
    for name, payload_type, data, seed in good_cases():
        kind = payload_type[len('application/vnd.3bot.'):-len('.v1+json')]
        yield {'name': f'3bot/{name}', 'envelope': sealed(data, payload_type, seed), 'expect': 'accept', 'kind': kind, 'payload': data.hex(), 'preAuth': pre_auth(payload_type, data).hex(), 'key': did_key(public_of(seed))}
    good = sealed(canonical(PAYLOAD))
    for name, envelope in invalid_forms(good):
        yield {'name': f'3bot/{name}', 'envelope': envelope, 'expect': 'envelope_invalid'}
    for name, envelope in invalid_signatures(good):
        yield {'name': f'3bot/{name}', 'envelope': envelope, 'expect': 'signature_invalid'}


def pre_auth_cases():
    yield {'name': 'dsse/the example of protocol.md', 'payloadType': 'http://example.com/HelloWorld', 'payload': b'hello world'.hex(), 'preAuth': b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'.hex(), 'expect': 'accept'}
    yield {'name': '3bot/nothing', 'payloadType': '', 'payload': '', 'preAuth': b'DSSEv1 0  0 '.hex(), 'expect': 'accept'}
    yield {'name': '3bot/lengths are bytes of UTF-8', 'payloadType': 'ü', 'payload': 'ü'.encode().hex(), 'preAuth': 'DSSEv1 2 ü 2 ü'.encode().hex(), 'expect': 'accept'}


FILES = {
    'envelopes.json': {
        'description': 'DSSE envelopes: expect is accept (then kind, payload bytes, the signed pre-authentication encoding, both hex, and key are given) or the code of the refusal.',
        'source': '3bot/*: reference/cases_envelopes.py; signed with the keys of RFC 8032 section 7.1, TEST 1 and TEST 2.',
        'cases': envelope_cases,
    },
    'pre-auth.json': {
        'description': 'DSSE pre-authentication encoding: payloadType (text), payload and preAuth (hex).',
        'source': 'dsse/*: secure-systems-lab/dsse, protocol.md. 3bot/*: reference/cases_envelopes.py.',
        'cases': pre_auth_cases,
    },
}
