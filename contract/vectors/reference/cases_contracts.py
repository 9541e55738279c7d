"""contracts.json: two versions of one deployment, complete, and bodies that do not belong to their header."""
import copy

from canonical import canonical
from contract import deployment_id
from keys import digest_of, digest_text

GRID, REQUESTER, ORGANISATION, ANA, BO = (digest_of(name) for name in ('grid', 'requester', 'organisation', 'ana', 'bo'))
NODES = [digest_of(f'node {n}') for n in range(5)]
NONCE = '00112233445566778899aabbccddeeff'


def workload(name, kind, group, disk, spec, dials=(), secrets=()):
    return {'name': name, 'type': kind, 'group': group, 'resources': {'disk': disk, 'memory': '1073741824', 'cpu': '500'}, 'secrets': list(secrets), 'dials': list(dials), 'spec': spec}


def body():
    stores = [f'zdb-{n}' for n in range(3)]
    zdbs = [workload(name, 'zdb', 'zdb', '500000000000000', {'mode': 'user', 'capacity': '500000000000000', 'namespaces': ['data']}) for name in stores]
    archive = workload('archive-0', 'archive', 'archive', '1000000000', {'dataShards': 2, 'parityShards': 1, 'slots': stores, 'bucket': 'archive', 'region': 'ch', 'retentionDays': 3650, 'immutable': True}, stores, ['data-key'])
    name = workload('name-0', 'gateway-name', 'gateway', '0', {'name': 'archive-zurich', 'backends': ['archive-0']}, ['archive-0'])
    return {'parameters': {'capacity': '1 PB', 'countries': ['CH'], 'title': 'Zürich'}, 'workloads': [*zdbs, archive, name]}


def header_of(contents):
    return {
        'grid': GRID, 'deployment': deployment_id(GRID, REQUESTER, NONCE), 'version': 1, 'requester': REQUESTER, 'organisation': ORGANISATION, 'title': '1 PB in CH, for Zürich',
        'blueprint': {'name': 'archive', 'version': '1.0.0', 'digest': digest_of('blueprint')},
        'policy': {'all': [{'role': 'it-expert', 'principals': [ANA], 'k': 1}, {'role': 'legal', 'principals': [BO], 'k': 1}]},
        'autonomy': {'replace': True}, 'constraints': {'countries': ['CH'], 'cities': []},
        'assignments': [{'workload': w['name'], 'type': w['type'], 'group': w['group'], 'node': node, 'resources': w['resources']} for w, node in zip(contents['workloads'], NODES)],
        'engines': [{'name': 'zdb', 'digest': digest_of('zdb engine')}, {'name': 'archive', 'digest': digest_of('archive engine')}],
        'bounds': [{'group': 'zdb', 'atMost': 1}], 'names': ['archive-zurich'], 'price': {'currency': 'EUR', 'month': '3000000000'},
        'validity': {'signBefore': '2026-11-20T10:10:00.000Z', 'notAfter': '2026-12-20T10:00:00.000Z'},
        'derivation': {'planner': '3bot/0.1.0', 'ledger': {'size': 41, 'root': '11' * 32}, 'time': '2026-11-20T10:00:00.000Z', 'nonce': NONCE},
        'bodyDigest': digest_text(canonical(contents)),
    }


def copies_and_planes():
    """A body of other wholes than archives, and its header: two copies of a volume, three control planes, a worker."""
    copies, planes = ['disk-0', 'disk-1'], ['control-plane-0', 'control-plane-1', 'control-plane-2']
    machines = [(name, 'control-plane') for name in planes] + [('worker-0', 'worker')]
    contents = {'parameters': {}, 'workloads': [
        *[workload(name, 'volume', 'disk', '1000000000', {'capacity': '1000000000', 'copies': copies}) for name in copies],
        *[workload(name, 'kubernetes', role, '20000000000', {'role': role, 'cluster': 'c', 'controlPlanes': planes}) for name, role in machines],
    ]}
    header = header_of(contents)
    assigned = [{'workload': w['name'], 'type': w['type'], 'group': w['group'], 'node': digest_of(f'node {n}'), 'resources': w['resources']} for n, w in enumerate(contents['workloads'])]
    return {**header, 'assignments': assigned, 'engines': [], 'names': [], 'bounds': [{'group': 'control-plane', 'atMost': 1}, {'group': 'disk', 'atMost': 1}]}, contents


def good(name, header, contents):
    data = canonical(header)
    return {'name': f'3bot/{name}', 'header': header, 'headerBytes': data.hex(), 'contract': digest_text(data), 'deployment': header['deployment'], 'bodyBytes': canonical(contents).hex(), 'expect': 'accept'}


def misfits():
    """name, change to the body (its digest is made to fit), change to the header."""
    def at(n, **fields):
        return lambda b: b['workloads'][n].update(fields)

    def spec(n, **fields):
        return lambda b: b['workloads'][n]['spec'].update(fields)
    yield 'a workload more than is assigned', lambda b: b['workloads'].append({**b['workloads'][0], 'name': 'zdb-3'}), None
    yield 'a workload less than is assigned', lambda b: b['workloads'].pop(), None
    yield 'two workloads of one name', at(1, name='zdb-0'), None
    yield 'another name', at(0, name='zdb-9'), None
    yield 'another group', at(4, group='zdb'), None
    yield 'more memory than is assigned', at(0, resources={'disk': '500000000000000', 'memory': '2147483648', 'cpu': '500'}), None
    yield 'a store of more than its disk', spec(0, capacity='500000000000001'), None
    yield 'another public name', spec(4, name='archive-geneva'), None
    yield 'a public name that the header does not reserve', None, lambda h: h.update(names=[])
    yield 'a bound that the body does not give', None, lambda h: h.update(bounds=[{'group': 'zdb', 'atMost': 2}])
    yield 'no bound', None, lambda h: h.update(bounds=[])
    yield 'an unknown field', lambda b: b.update(extra=1), None
    yield 'no parameters', lambda b: b.pop('parameters'), None


def contract_cases():
    contents = body()
    first = header_of(contents)
    yield good('version 1', first, contents)
    later = copy.deepcopy(contents)
    later['parameters']['capacity'] = '900 TB'
    second = {**header_of(later), 'version': 2, 'supersedes': digest_of(first), 'acceptance': {'role': 'legal', 'principals': [BO], 'k': 1}}
    yield good('version 2 of the same deployment', second, later)
    wholes, parts = copies_and_planes()
    yield good('copies of a volume, and control planes', wholes, parts)
    for name, bounds in (('copies that could all be replaced at once', [wholes['bounds'][0], {'group': 'disk', 'atMost': 2}]), ('control planes without a bound', wholes['bounds'][1:])):
        yield {'name': f'3bot/{name}', 'header': {**wholes, 'bounds': bounds}, 'bodyBytes': canonical(parts).hex(), 'expect': 'body_mismatch'}
    larger = copy.deepcopy(parts)
    larger['workloads'][0]['spec']['capacity'] = '1000000001'
    yield {'name': '3bot/a volume of more than its disk', 'header': {**wholes, 'bodyDigest': digest_text(canonical(larger))}, 'bodyBytes': canonical(larger).hex(), 'expect': 'body_mismatch'}
    for name, change_body, change_header in misfits():
        changed, header = copy.deepcopy(contents), copy.deepcopy(first)
        if change_body:
            change_body(changed)
        header['bodyDigest'] = digest_text(canonical(changed))
        if change_header:
            change_header(header)
        yield {'name': f'3bot/{name}', 'header': header, 'bodyBytes': canonical(changed).hex(), 'expect': 'body_mismatch'}
    for name, data in (('another body', canonical(later)), ('the body with a space more', canonical(contents) + b' '), ('nothing', b'')):
        yield {'name': f'3bot/{name}', 'header': first, 'bodyBytes': data.hex(), 'expect': 'body_mismatch'}
    for name, data in (('no JSON', b'body'), ('invalid UTF-8', b'"\xff"'), ('a list', b'[]')):
        yield {'name': f'3bot/{name}, with its digest', 'header': {**first, 'bodyDigest': digest_text(data)}, 'bodyBytes': data.hex(), 'expect': 'body_mismatch'}


FILES = {
    'contracts.json': {
        'description': 'Contracts: header (value; headerBytes: its canonical form in hex), contract (its id), deployment, and bodyBytes (hex); expect: accept, or body_mismatch where the body is not this header\'s.',
        'source': '3bot/*: reference/cases_contracts.py. Principals, nodes and engines are digests of the canonical form of their names.',
        'cases': contract_cases,
    },
}
