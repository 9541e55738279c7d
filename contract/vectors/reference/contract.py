"""README.md, 9: a contract's ids, and its body held against its header."""
from canonical import Refused, canonical, parse_json
from keys import digest_of, digest_text


def deployment_id(grid, requester, nonce):
    return digest_of({'grid': grid, 'requester': requester, 'nonce': nonce})


def bounds_of(workloads):
    """Groups that hold parts of a whole may lose as many members as the whole bears: parity shards, copies but one, a minority."""
    wholes = {
        'archive': lambda spec: (spec['slots'], spec['parityShards']),
        'volume': lambda spec: (spec['copies'], len(spec['copies']) - 1),
        'kubernetes': lambda spec: (spec['controlPlanes'], (len(spec['controlPlanes']) - 1) // 2),
    }
    bounds = {}
    for whole in workloads:
        if whole['type'] in wholes:
            parts, bears = wholes[whole['type']](whole['spec'])
            for w in workloads:
                if w['name'] in parts:
                    bounds[w['group']] = min(bounds.get(w['group'], 30), bears)
    return [{'group': group, 'atMost': bounds[group]} for group in sorted(bounds)]


def check_body(header, data):
    """Of bytes that hash to the header's bodyDigest. The shape of each workload (contract/workload.ts) is not asked here."""
    def need(condition):
        if not condition:
            raise Refused('body_mismatch')
    need(digest_text(data) == header['bodyDigest'])
    try:
        body = parse_json(data)
    except Refused:
        raise Refused('body_mismatch') from None
    need(isinstance(body, dict) and set(body) == {'parameters', 'workloads'})
    workloads, assignments = body['workloads'], header['assignments']
    named = {w['name']: w for w in workloads}
    need(len(named) == len(workloads) == len(assignments))
    for a in assignments:
        w = named.get(a['workload'])
        need(w and all(w[key] == a[key] for key in ('type', 'group', 'resources')))
    need(all(w['type'] not in ('zdb', 'volume') or int(w['spec']['capacity']) <= int(w['resources']['disk']) for w in workloads))
    need([w['spec']['name'] for w in workloads if w['type'] == 'gateway-name'] == header['names'])
    need(canonical(bounds_of(workloads)) == canonical(header['bounds']))
    return body
