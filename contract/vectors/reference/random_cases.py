#!/usr/bin/env python3
"""random_cases.py SEED COUNT: COUNT random questions of each kind with this implementation's answer, one JSON a line.
contract/differential.test.ts asks the other implementation the same."""
import json
import random
import struct
import sys

sys.dont_write_bytecode = True

from canonical import Refused, canonical, number_text, parse_canonical  # noqa: E402
from cases_policies import ANA, BO, CY, DEE, no, role, veto, weight, yes  # noqa: E402
from policy import check_policy, evaluate, resolve  # noqa: E402

PEOPLE = [ANA, BO, CY, DEE]
ROLES = ['a', 'b', 'c']
CHARACTERS = ['a', '"', '\\', '/', '\n', '\0', '\x1f', '\x7f', 'é', '\u2028', '\ue000', '\uffff', '\U0001f600', '\U0010ffff', '0', '_']


def answer(work, *arguments):
    try:
        return work(*arguments)
    except Refused:
        return None


def number(r):
    """Doubles of any bits, decimal fractions as people write them, and whole numbers at the edges of the forms."""
    way = r.random()
    if way < 0.5:
        return struct.unpack('>d', r.randbytes(8))[0]
    if way < 0.75:
        return r.randint(-10**r.randint(1, 25), 10**r.randint(1, 25)) / 10**r.randint(0, 25)
    return float(r.randint(-2**60, 2**60)) * 2.0**r.randint(-80, 40)


def text(r, most):
    return ''.join(r.choice(CHARACTERS) for _ in range(r.randint(0, most)))


def value(r, depth):
    way = r.random()
    if depth == 0 or way < 0.5:
        return r.choice([None, True, False, r.randint(-99, 99), text(r, 4)])
    if way < 0.75:
        return [value(r, depth - 1) for _ in range(r.randint(0, 4))]
    return {text(r, 3): value(r, depth - 1) for _ in range(r.randint(0, 5))}


def spoiled(r, data):
    data = bytearray(data)
    for _ in range(r.randint(0, 2)):
        at, way = r.randrange(len(data) + 1), r.random()
        if way < 0.6 or at == len(data):
            data[at:at + (way < 0.3)] = bytes([r.choice(b'0123456789.eE+-"\\u{}[],: \n\xe2\xff')])
        else:
            del data[at]
    return bytes(data)


def policy(r, depth):
    way = r.random()
    if depth == 0 or way < 0.35:
        if way < 0.1:
            return weight(r.randint(1, 4), *[(r.choice(PEOPLE), r.choice(ROLES), r.randint(1, 3)) for _ in range(r.randint(1, 4))])
        return role(r.choice(ROLES), *[r.choice(PEOPLE) for _ in range(r.randint(1, 3))], k=r.randint(1, 2))
    parts = [policy(r, depth - 1) for _ in range(r.randint(1, 3))]
    required = {'required': r.sample(range(3), r.randint(1, 2))} if r.random() < 0.5 else {}
    return r.choice([{'all': parts}, {'any': parts}, {'k': r.randint(1, 3), 'of': parts, **required}, veto(r.choice(ROLES), r.sample(PEOPLE, r.randint(1, 2)), parts[0])])


def template(r, depth):
    way = r.random()
    if depth == 0 or way < 0.4:
        if way < 0.1:
            return {'weight': r.randint(1, 5), 'of': [{'role': r.choice(ROLES), 'weight': r.randint(1, 2)} for _ in range(r.randint(1, 2))]}
        return {'role': r.choice(ROLES), **({'k': r.randint(1, 2)} if r.random() < 0.5 else {}), **({'independent': True} if r.random() < 0.3 else {})}
    parts = [template(r, depth - 1) for _ in range(r.randint(1, 2))]
    return r.choice([{'all': parts}, {'any': parts}, {'k': 1, 'of': parts}, {'veto': r.choice(ROLES), 'over': parts[0]}])


def questions(r):
    x = number(r)
    yield {'kind': 'number', 'bits': struct.pack('>d', x).hex(), 'answer': answer(number_text, x)}
    v = value(r, 4)
    yield {'kind': 'value', 'value': v, 'answer': canonical(v).hex()}
    data = spoiled(r, canonical(value(r, 3)))
    yield {'kind': 'bytes', 'bytes': data.hex(), 'answer': answer(lambda: [parse_canonical(data)]) is not None}
    p = policy(r, 3)
    votes = [(yes if r.random() < 0.6 else no)(r.choice(PEOPLE), r.choice(ROLES)) for _ in range(r.randint(0, 6))]
    yield {'kind': 'policy', 'policy': p, 'votes': votes, 'answer': answer(lambda: check_policy(p) or evaluate(p, votes))}
    t = template(r, 2)
    roster = {name: [r.choice(PEOPLE) for _ in range(r.randint(0, 3))] for name in ROLES if r.random() < 0.9}
    requester = r.choice(PEOPLE)
    yield {'kind': 'template', 'template': t, 'roster': roster, 'requester': requester, 'answer': answer(resolve, t, roster, requester)}


def main(seed, count):
    r = random.Random(seed)
    for _ in range(count):
        for question in questions(r):
            print(json.dumps(question))


main(int(sys.argv[1]), int(sys.argv[2]))
