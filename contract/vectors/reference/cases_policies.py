"""policies.json: forms, evaluations and templates filled with people."""
from keys import digest_of

ANA, BO, CY, DEE, EVE = (digest_of(name) for name in ('ana', 'bo', 'cy', 'dee', 'eve'))


def role(name, *principals, k=1):
    return {'role': name, 'principals': list(principals), 'k': k}


def weight(least, *members):
    return {'weight': least, 'of': [{'principal': p, 'role': r, 'weight': w} for p, r, w in members]}


def veto(name, principals, over):
    return {'veto': {'role': name, 'principals': principals}, 'over': over}


def yes(principal, as_role):
    return {'principal': principal, 'role': as_role, 'decision': 'approve'}


def no(principal, as_role):
    return {'principal': principal, 'role': as_role, 'decision': 'reject'}


LEGAL = role('legal', ANA, BO)
BUDGET = role('budget', CY)
IT = role('it-expert', DEE)
TWO = role('legal', ANA, BO, CY, k=2)
WEIGHTS = weight(3, (ANA, 'board', 2), (BO, 'board', 1), (CY, 'board', 1))
MUST = {'k': 2, 'of': [LEGAL, BUDGET, IT], 'required': [0]}
GUARDED = veto('security', [EVE], LEGAL)
BOTH = {'all': [role('legal', ANA), role('budget', ANA, BO)]}

# name, policy, votes in the order of the log, what then holds.
EVALUATIONS = [
    ('role: nobody yet', LEGAL, [], 'open'),
    ('role: one of two', LEGAL, [yes(BO, 'legal')], 'met'),
    ('role: one rejects, the other is left', LEGAL, [no(ANA, 'legal')], 'open'),
    ('role: one rejects, the other approves', LEGAL, [no(ANA, 'legal'), yes(BO, 'legal')], 'met'),
    ('role: both reject', LEGAL, [no(ANA, 'legal'), no(BO, 'legal')], 'lost'),
    ('role: a stranger', LEGAL, [yes(CY, 'legal')], 'open'),
    ('role: in another role', LEGAL, [yes(ANA, 'budget')], 'open'),
    ('role: two of three', TWO, [yes(ANA, 'legal'), yes(CY, 'legal')], 'met'),
    ('role: one voice twice', TWO, [yes(ANA, 'legal'), yes(ANA, 'legal')], 'open'),
    ('role: the first vote counts, to approve', TWO, [yes(ANA, 'legal'), no(ANA, 'legal'), yes(BO, 'legal')], 'met'),
    ('role: the first vote counts, to reject', LEGAL, [no(ANA, 'legal'), yes(ANA, 'legal')], 'open'),
    ('role: a vote that nobody asks for does not use up the voice', TWO, [no(ANA, 'budget'), yes(ANA, 'legal'), yes(BO, 'legal')], 'met'),
    ('role: a principal listed twice is one', role('legal', ANA, ANA, BO, k=2), [yes(ANA, 'legal')], 'open'),
    ('role: two of three cannot be had when two reject', TWO, [no(ANA, 'legal'), no(BO, 'legal')], 'lost'),
    ('all: one part is missing', {'all': [LEGAL, BUDGET]}, [yes(ANA, 'legal')], 'open'),
    ('all: every part', {'all': [LEGAL, BUDGET]}, [yes(CY, 'budget'), yes(ANA, 'legal')], 'met'),
    ('all: one part is lost', {'all': [LEGAL, BUDGET]}, [yes(ANA, 'legal'), no(CY, 'budget')], 'lost'),
    ('any: one part', {'any': [LEGAL, BUDGET]}, [yes(CY, 'budget')], 'met'),
    ('any: one part is lost', {'any': [LEGAL, BUDGET]}, [no(CY, 'budget')], 'open'),
    ('any: every part is lost', {'any': [LEGAL, BUDGET]}, [no(CY, 'budget'), no(ANA, 'legal'), no(BO, 'legal')], 'lost'),
    ('k of n: two of three parts', {'k': 2, 'of': [LEGAL, BUDGET, IT]}, [yes(CY, 'budget'), yes(DEE, 'it-expert')], 'met'),
    ('k of n: one of three parts', {'k': 2, 'of': [LEGAL, BUDGET, IT]}, [yes(CY, 'budget')], 'open'),
    ('k of n: two parts are lost', {'k': 2, 'of': [LEGAL, BUDGET, IT]}, [no(CY, 'budget'), no(DEE, 'it-expert')], 'lost'),
    ('k of n: two parts, but not the required one', MUST, [yes(CY, 'budget'), yes(DEE, 'it-expert')], 'open'),
    ('k of n: the required part and another', MUST, [yes(ANA, 'legal'), yes(DEE, 'it-expert')], 'met'),
    ('k of n: the required part alone', MUST, [yes(ANA, 'legal')], 'open'),
    ('k of n: the required part is lost', MUST, [no(ANA, 'legal'), no(BO, 'legal'), yes(CY, 'budget'), yes(DEE, 'it-expert')], 'lost'),
    ('weight: exactly enough', WEIGHTS, [yes(ANA, 'board'), yes(CY, 'board')], 'met'),
    ('weight: not enough', WEIGHTS, [yes(BO, 'board'), yes(CY, 'board')], 'open'),
    ('weight: the heavy one rejects', WEIGHTS, [no(ANA, 'board')], 'lost'),
    ('weight: a light one rejects', WEIGHTS, [no(BO, 'board'), yes(ANA, 'board'), yes(CY, 'board')], 'met'),
    ('weight: one voice twice', WEIGHTS, [yes(ANA, 'board'), yes(ANA, 'board')], 'open'),
    ('weight: a principal has the weight of the role of their vote', weight(2, (ANA, 'board', 1), (ANA, 'chair', 2), (BO, 'board', 1)), [yes(ANA, 'chair')], 'met'),
    ('weight: and not of another role', weight(2, (ANA, 'board', 1), (ANA, 'chair', 2), (BO, 'board', 1)), [yes(ANA, 'board')], 'open'),
    ('weight: one principal in two roles is one voice', weight(3, (ANA, 'board', 1), (ANA, 'chair', 2), (BO, 'board', 1)), [yes(ANA, 'chair'), yes(ANA, 'board')], 'open'),
    ('weight: spent on the lighter role, it is lost', weight(3, (ANA, 'board', 1), (ANA, 'chair', 2), (BO, 'board', 1)), [yes(ANA, 'board')], 'lost'),
    ('weight: of a principal listed twice in a role the first weight counts', weight(2, (ANA, 'board', 1), (ANA, 'board', 5), (BO, 'board', 1)), [yes(ANA, 'board')], 'open'),
    ('veto: not used', GUARDED, [yes(ANA, 'legal')], 'met'),
    ('veto: used before', GUARDED, [no(EVE, 'security'), yes(ANA, 'legal'), yes(BO, 'legal')], 'lost'),
    ('veto: used after', GUARDED, [yes(ANA, 'legal'), no(EVE, 'security')], 'lost'),
    ('veto: its holder approves, which gives nothing', GUARDED, [yes(EVE, 'security')], 'open'),
    ('veto: approved first, so the voice is used', GUARDED, [yes(EVE, 'security'), no(EVE, 'security'), yes(ANA, 'legal')], 'met'),
    ('veto: a rejection in another role is none', GUARDED, [no(ANA, 'legal'), yes(BO, 'legal')], 'met'),
    ('veto: a stranger\'s rejection is none', GUARDED, [no(CY, 'security'), yes(ANA, 'legal')], 'met'),
    ('veto: inside any, it ends its own part only', {'any': [GUARDED, BUDGET]}, [no(EVE, 'security'), yes(CY, 'budget')], 'met'),
    ('veto: over all', veto('security', [EVE], {'all': [LEGAL, BUDGET]}), [yes(ANA, 'legal'), yes(CY, 'budget'), no(EVE, 'security')], 'lost'),
    ('one voice in the whole tree: two roles are still one person', BOTH, [yes(ANA, 'legal'), yes(ANA, 'budget')], 'open'),
    ('one voice in the whole tree: another person in the second role', BOTH, [yes(ANA, 'legal'), yes(BO, 'budget')], 'met'),
    ('one voice in the whole tree: spent in the other role', BOTH, [yes(ANA, 'budget')], 'lost'),
    ('nested', {'any': [{'all': [LEGAL, {'k': 1, 'of': [BUDGET, IT]}]}, WEIGHTS]}, [no(CY, 'budget'), yes(DEE, 'it-expert'), yes(BO, 'legal')], 'met'),
]

MEMBER = {'principal': ANA, 'role': 'board', 'weight': 1}
# name, policy, accept or refuse.
FORMS = [
    ('role', LEGAL, 'accept'), ('weight', WEIGHTS, 'accept'), ('veto', GUARDED, 'accept'), ('k of n with required parts', MUST, 'accept'), ('a role of 32 characters', role('a' * 32, ANA), 'accept'),
    ('no children', {'all': []}, 'refuse'), ('17 children', {'any': [LEGAL] * 17}, 'refuse'), ('16 children', {'any': [LEGAL] * 16}, 'accept'),
    ('two tags', {'all': [LEGAL], 'any': [LEGAL]}, 'refuse'), ('no tag', {}, 'refuse'), ('an unknown tag', {'none': [LEGAL]}, 'refuse'), ('an unknown field', {'all': [LEGAL], 'note': 'x'}, 'refuse'), ('no object', [LEGAL], 'refuse'), ('null', None, 'refuse'),
    ('k above the children', {'k': 2, 'of': [LEGAL]}, 'refuse'), ('k of none', {'k': 0, 'of': [LEGAL]}, 'refuse'), ('k is a fraction', {'k': 1.5, 'of': [LEGAL, BUDGET]}, 'refuse'), ('k is text', {'k': '1', 'of': [LEGAL]}, 'refuse'),
    ('required is beyond the children', {'k': 1, 'of': [LEGAL], 'required': [1]}, 'refuse'), ('required twice', {'k': 2, 'of': [LEGAL, BUDGET], 'required': [0, 0]}, 'refuse'), ('required are more than k', {'k': 1, 'of': [LEGAL, BUDGET], 'required': [0, 1]}, 'refuse'), ('required is empty', {'k': 1, 'of': [LEGAL], 'required': []}, 'refuse'), ('required is null', {'k': 1, 'of': [LEGAL], 'required': None}, 'refuse'),
    ('role: more than there are', role('legal', ANA, k=2), 'refuse'), ('role: more than there are, one listed twice', role('legal', ANA, ANA, k=2), 'refuse'), ('role: nobody', role('legal'), 'refuse'), ('role: k of none', role('legal', ANA, k=0), 'refuse'), ('role: 65 principals', role('legal', *[ANA] * 65), 'refuse'),
    ('role: upper case', role('Legal', ANA), 'refuse'), ('role: 33 characters', role('a' * 33, ANA), 'refuse'), ('role: nothing', role('', ANA), 'refuse'), ('role: constructor', role('constructor', ANA), 'refuse'), ('role: a digit first', role('2nd', ANA), 'refuse'), ('role: a line feed after', role('legal\n', ANA), 'refuse'), ('role: a principal that is no digest', role('legal', 'ana'), 'refuse'), ('role: no k', {'role': 'legal', 'principals': [ANA]}, 'refuse'),
    ('weight: more than there is', weight(2, (ANA, 'board', 1)), 'refuse'), ('weight: more than there is, one listed twice', weight(2, (ANA, 'board', 1), (ANA, 'board', 1)), 'refuse'), ('weight: two roles of one principal are not added', weight(4, (ANA, 'board', 1), (ANA, 'chair', 2), (BO, 'board', 1)), 'refuse'), ('weight: the heaviest role of each', weight(3, (ANA, 'board', 1), (ANA, 'chair', 2), (BO, 'board', 1)), 'accept'), ('weight: nothing asked', weight(0, (ANA, 'board', 1)), 'refuse'), ('weight: a member of none', weight(1, (ANA, 'board', 1), (BO, 'board', 0)), 'refuse'), ('weight: a negative member', weight(1, (ANA, 'board', 2), (BO, 'board', -1)), 'refuse'), ('weight: above a million', weight(1, (ANA, 'board', 1_000_001)), 'refuse'), ('weight: an unknown field', {'weight': 1, 'of': [{**MEMBER, 'note': 'x'}]}, 'refuse'),
    ('veto: over nothing', {'veto': {'role': 'security', 'principals': [EVE]}}, 'refuse'), ('veto: nobody', veto('security', [], LEGAL), 'refuse'), ('veto: with k', {'veto': {'role': 'security', 'principals': [EVE], 'k': 1}, 'over': LEGAL}, 'refuse'), ('nested 8 deep', veto('security', [EVE], veto('security', [EVE], veto('security', [EVE], veto('security', [EVE], veto('security', [EVE], veto('security', [EVE], veto('security', [EVE], LEGAL))))))), 'accept'), ('nested 9 deep', veto('security', [EVE], veto('security', [EVE], veto('security', [EVE], veto('security', [EVE], veto('security', [EVE], veto('security', [EVE], veto('security', [EVE], veto('security', [EVE], LEGAL)))))))), 'refuse'), ('128 parts', {'any': [{'any': [LEGAL] * 15}] * 7 + [{'any': [LEGAL] * 14}]}, 'accept'), ('129 parts', {'any': [{'any': [LEGAL] * 15}] * 8}, 'refuse'), ('a bad part deep inside', {'all': [{'any': [veto('security', [EVE], role('legal'))]}]}, 'refuse'),
]

ROSTER = {'legal': sorted([ANA, BO], reverse=True), 'budget': [CY], 'board': [ANA, BO, CY], 'nobody': [], 'security': [EVE], 'chair': [CY]}


def pair(name):
    return sorted(ROSTER[name])


# name, template, requester, the policy or the roles that too few hold.
RESOLUTIONS = [
    ('a role, its holders in order', {'role': 'legal'}, None, {'role': 'legal', 'principals': pair('legal'), 'k': 1}),
    ('two of a role', {'role': 'legal', 'k': 2}, None, {'role': 'legal', 'principals': pair('legal'), 'k': 2}),
    ('a tree', {'any': [{'all': [{'role': 'legal'}, {'role': 'budget'}]}, {'k': 1, 'of': [{'role': 'board', 'k': 3}], 'required': [0]}]}, None,
     {'any': [{'all': [{'role': 'legal', 'principals': pair('legal'), 'k': 1}, {'role': 'budget', 'principals': [CY], 'k': 1}]}, {'k': 1, 'of': [{'role': 'board', 'principals': pair('board'), 'k': 3}], 'required': [0]}]}),
    ('everybody in a role has its weight', {'weight': 3, 'of': [{'role': 'board', 'weight': 1}]}, None, weight(3, *[(p, 'board', 1) for p in pair('board')])),
    ('a veto', {'veto': 'security', 'over': {'role': 'budget'}}, None, veto('security', [EVE], {'role': 'budget', 'principals': [CY], 'k': 1})),
    ('the requester is left out where it says independent', {'role': 'legal', 'independent': True}, ANA, {'role': 'legal', 'principals': [BO], 'k': 1}),
    ('and only there', {'role': 'legal'}, ANA, {'role': 'legal', 'principals': pair('legal'), 'k': 1}),
    ('nobody but the requester', {'role': 'budget', 'independent': True}, CY, ['budget']),
    ('too few hold the role', {'role': 'budget', 'k': 2}, None, ['budget']),
    ('nobody holds these', {'all': [{'role': 'nobody'}, {'role': 'unknown'}, {'role': 'legal'}]}, None, ['nobody', 'unknown']),
    ('a role called as what every object has', {'role': 'tostring'}, None, ['tostring']),
    ('a veto that nobody holds', {'veto': 'nobody', 'over': {'role': 'legal'}}, None, ['nobody']),
    ('one person in two roles that count together', {'all': [{'role': 'budget'}, {'role': 'chair'}]}, None, ['budget', 'chair']),
    ('one person in two roles of which one is enough', {'any': [{'role': 'budget'}, {'role': 'chair'}]}, None, {'any': [{'role': 'budget', 'principals': [CY], 'k': 1}, {'role': 'chair', 'principals': [CY], 'k': 1}]}),
    ('weights that do not add up', {'weight': 4, 'of': [{'role': 'board', 'weight': 1}]}, None, ['board']),
]


def policy_cases():
    for name, policy, expected in FORMS:
        yield {'name': f'3bot/form: {name}', 'of': 'form', 'policy': policy, 'expect': expected}
    for name, policy, votes, expected in EVALUATIONS:
        yield {'name': f'3bot/{name}', 'of': 'evaluation', 'policy': policy, 'votes': votes, 'expect': expected}
    for name, template, requester, result in RESOLUTIONS:
        asked = {'name': f'3bot/template: {name}', 'of': 'template', 'template': template, 'roster': ROSTER, **({'requester': requester} if requester else {})}
        yield {**asked, 'missingRoles': result, 'expect': 'refuse'} if isinstance(result, list) else {**asked, 'policy': result, 'expect': 'accept'}


FILES = {
    'policies.json': {
        'description': 'of: form (whether this is a policy at all), evaluation (votes in the order of the log; expect: met, open or lost) or template (an author\'s template, an organisation\'s roster and perhaps the requester; accept with the policy, or refuse with the roles that too few hold).',
        'source': '3bot/*: reference/cases_policies.py. Principals are digests of the canonical form of the names ana, bo, cy, dee and eve.',
        'cases': policy_cases,
    },
}
