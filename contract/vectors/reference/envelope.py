"""README.md, 5: DSSE envelopes over canonical JSON."""
import base64
import binascii
import re

from canonical import Refused, parse_canonical
from ed25519 import verify
from keys import did_key_decode, looks_like_did_key

PAYLOAD_TYPE = re.compile(r'application/vnd\.3bot\.(tick|[a-z]+\.[a-z]+)\.v1\+json', re.ASCII)


def base64_strict(text):
    """Standard alphabet, padded, nothing else, and no bits left over: one text for the same bytes."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused('envelope_invalid', 'base64') from None
    if base64.b64encode(data).decode() != text:
        raise Refused('envelope_invalid', 'base64')
    return data


def pre_auth(payload_type, payload):
    kind = payload_type.encode('utf-8')
    return b'DSSEv1 %d %s %d %s' % (len(kind), kind, len(payload), payload)


def open_envelope(envelope):
    """(kind, payload bytes, key)"""
    def need(condition):
        if not condition:
            raise Refused('envelope_invalid', 'form')
    need(isinstance(envelope, dict) and set(envelope) == {'payloadType', 'payload', 'signatures'})
    kind, payload, signatures = envelope['payloadType'], envelope['payload'], envelope['signatures']
    need(isinstance(kind, str) and isinstance(payload, str) and isinstance(signatures, list))
    match = PAYLOAD_TYPE.fullmatch(kind)
    need(match and len(payload) <= 4 * -(-128 * 1024 // 3) and len(signatures) == 1)
    signature = signatures[0]
    need(isinstance(signature, dict) and set(signature) == {'keyid', 'sig'})
    need(looks_like_did_key(signature['keyid']) and isinstance(signature['sig'], str) and len(signature['sig']) == 88)
    data, sig = base64_strict(payload), base64_strict(signature['sig'])
    try:
        parse_canonical(data)
    except Refused as error:
        raise Refused('envelope_invalid', str(error)) from None
    try:
        public_key = did_key_decode(signature['keyid'])
    except Refused as error:
        raise Refused('signature_invalid', str(error)) from None
    if not verify(public_key, pre_auth(kind, data), sig):
        raise Refused('signature_invalid')
    return match[1], data, signature['keyid']
