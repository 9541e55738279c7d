"""README.md, 8: who must say yes."""
import itertools
import re

from canonical import Refused
from keys import is_digest

MANY = {'children': 16, 'holders': 64, 'count': 64, 'weight': 1_000_000, 'depth': 8, 'parts': 128, 'ways': 256}


def is_role(text):
    return isinstance(text, str) and text != 'constructor' and re.fullmatch(r'[a-z][a-z0-9-]{0,31}', text, re.ASCII) is not None


def need(condition):
    if not condition:
        raise Refused('policy_invalid')


def need_int(n, low, high):
    need(isinstance(n, int) and not isinstance(n, bool) and low <= n <= high)


def need_list(items, most):
    need(isinstance(items, list) and 1 <= len(items) <= most)


def need_holders(of):
    need(is_role(of['role']))
    need_list(of['principals'], MANY['holders'])
    for principal in of['principals']:
        need(isinstance(principal, str) and is_digest(principal))


def members_of(policy):
    """{principal: {role: weight}} of a leaf; of one (principal, role) listed twice the first counts."""
    listed = policy['of'] if 'weight' in policy else [{'principal': p, 'role': policy['role'], 'weight': 1} for p in policy['principals']]
    members = {}
    for m in listed:
        members.setdefault(m['principal'], {}).setdefault(m['role'], m['weight'])
    return members


def parts_within(node, depth=1):
    """Parts of a policy or template, weighed members included."""
    need(depth <= MANY['depth'])
    if not isinstance(node, dict):
        return 1
    children = [c for key in ('all', 'any', 'of') if isinstance(node.get(key), list) for c in node[key]]
    children += [node[key] for key in ('all', 'any', 'of', 'over') if key in node and not isinstance(node[key], list)]
    return 1 + sum(parts_within(c, depth + 1) for c in children)


def check_policy(policy):
    need(parts_within(policy) <= MANY['parts'])
    check_part(policy)


def check_part(policy):
    need(isinstance(policy, dict))
    keys = set(policy)
    if keys == {'veto', 'over'}:
        need(isinstance(policy['veto'], dict) and set(policy['veto']) == {'role', 'principals'})
        need_holders(policy['veto'])
        check_part(policy['over'])
    elif keys == {'role', 'principals', 'k'}:
        need_holders(policy)
        need_int(policy['k'], 1, MANY['count'])
        need(policy['k'] <= len(set(policy['principals'])))
    elif keys == {'weight', 'of'}:
        need_int(policy['weight'], 1, MANY['weight'])
        need_list(policy['of'], MANY['holders'])
        for member in policy['of']:
            need(isinstance(member, dict) and set(member) == {'principal', 'role', 'weight'} and is_role(member['role']))
            need(isinstance(member['principal'], str) and is_digest(member['principal']))
            need_int(member['weight'], 1, MANY['weight'])
        need(policy['weight'] <= sum(max(roles.values()) for roles in members_of(policy).values()))
    else:
        children = policy.get('all', policy.get('any', policy.get('of')))
        need(keys in ({'all'}, {'any'}, {'k', 'of'}, {'k', 'of', 'required'}))
        need_list(children, MANY['children'])
        if 'k' in keys:
            need_int(policy['k'], 1, MANY['count'])
            need(policy['k'] <= len(children))
        if 'required' in keys:
            required = policy['required']
            need_list(required, MANY['children'])
            for i in required:
                need_int(i, 0, len(children) - 1)
            need(len(set(required)) == len(required) <= policy['k'])
        for child in children:
            check_part(child)


def parts_of(policy):
    return policy.get('all', policy.get('any', policy.get('of')))


def voters(policy):
    if 'veto' in policy:
        return {(policy['veto']['role'], p) for p in policy['veto']['principals']} | voters(policy['over'])
    if 'role' in policy:
        return {(policy['role'], p) for p in policy['principals']}
    if 'weight' in policy:
        return {(m['role'], m['principal']) for m in policy['of']}
    return set().union(*(voters(part) for part in parts_of(policy)))


def evaluate(policy, votes):
    """'met', 'open' (not met yet) or 'lost' (rejections have made it unreachable)."""
    asked, counted = voters(policy), {}
    for vote in votes:
        if (vote['role'], vote['principal']) in asked:
            counted.setdefault(vote['principal'], (vote['role'], vote['decision']))
    met, possible = stand(policy, counted)
    return 'met' if met else 'open' if possible else 'lost'


def stand(policy, votes):
    """(met, possible)"""
    if 'veto' in policy:
        vetoed = any(votes.get(p) == (policy['veto']['role'], 'reject') for p in policy['veto']['principals'])
        return (False, False) if vetoed else stand(policy['over'], votes)
    if 'role' in policy or 'weight' in policy:
        asked = policy['weight'] if 'weight' in policy else policy['k']
        yes = left = 0
        for principal, roles in members_of(policy).items():
            role, decision = votes.get(principal, (None, 'open'))
            yes += roles.get(role, 0) if decision == 'approve' else 0
            left += max(roles.values()) if decision == 'open' else 0
        return yes >= asked, yes + left >= asked
    results = [stand(part, votes) for part in parts_of(policy)]
    asked = len(results) if 'all' in policy else 1 if 'any' in policy else policy['k']
    required = policy.get('required', [])
    return tuple(sum(r[way] for r in results) >= asked and all(results[i][way] for i in required) for way in (0, 1))


def satisfiable(policy):
    """Whether some votes meet it: people with several roles vote in one of them. Beyond `ways` ways it is left to them."""
    roles = {}
    for role, principal in voters(policy):
        roles.setdefault(principal, []).append(role)
    ways = 1
    for held in roles.values():
        ways *= len(held)
        if ways > MANY['ways']:
            return True
    chosen = itertools.product(*roles.values())
    return any(stand(policy, {p: (role, 'approve') for p, role in zip(roles, way)})[0] for way in chosen)


def counted(t):
    if 'veto' in t:
        return counted(t['over'])
    return {t['role']} if 'role' in t else {m['role'] for m in t['of']} if 'weight' in t else set().union(*(counted(p) for p in parts_of(t)))


def check_template(t):
    """No role stands in two parts that count together; alternatives may share one."""
    if 'veto' in t:
        return check_template(t['over'])
    if 'role' in t:
        return None
    if 'weight' in t:
        return need(len({m['role'] for m in t['of']}) == len(t['of']))
    parts = parts_of(t)
    for part in parts:
        check_template(part)
    return need('any' in t or sum(len(counted(p)) for p in parts) == len(set().union(*(counted(p) for p in parts))))


def resolve(template, roster, requester=None):
    """The policy that a template becomes with an organisation's people; Refused names the roles that too few hold."""
    need(parts_within(template) <= MANY['parts'])
    check_template(template)
    missing = set()

    def holders(role, k, independent=False):
        found = sorted(p for p in roster.get(role, []) if not (independent and p == requester))
        if len(set(found)) < k:
            missing.add(role)
        return found

    def fill(t):
        if 'veto' in t:
            return {'veto': {'role': t['veto'], 'principals': holders(t['veto'], 1)}, 'over': fill(t['over'])}
        if 'role' in t:
            return {'role': t['role'], 'principals': holders(t['role'], t.get('k', 1), t.get('independent', False)), 'k': t.get('k', 1)}
        if 'weight' in t:
            return {'weight': t['weight'], 'of': [{'principal': p, 'role': m['role'], 'weight': m['weight']} for m in t['of'] for p in holders(m['role'], 1)]}
        return {key: [fill(part) for part in value] if key in ('all', 'any', 'of') else value for key, value in t.items()}

    policy = fill(template)
    try:
        if not missing:
            check_policy(policy)
            need(satisfiable(policy))
    except Refused:
        missing = roles_of(template)
    if missing:
        raise Refused('roles_missing', ' '.join(sorted(missing)))
    return policy


def roles_of(t):
    if 'veto' in t:
        return {t['veto']} | roles_of(t['over'])
    if 'role' in t:
        return {t['role']}
    if 'weight' in t:
        return {m['role'] for m in t['of']}
    return set().union(*(roles_of(part) for part in parts_of(t)))
