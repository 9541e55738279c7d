import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { canonicalBytes, canonicalize, parseCanonical } from './canonical.ts';
import { Policy, Role } from './policy.ts';
import { PolicyTemplate, resolvePolicy } from './policy-template.ts';
import { evaluatePolicy } from './quorum.ts';
import { PrincipalId } from './principal.ts';
import { Hex } from './vectors/vectors.fixture.ts';

const SEED = Number(process.env['THREEBOT_SEED'] ?? 1);
/** Of each kind. */
const COUNT = Number(process.env['CONTRACT_QUESTIONS'] ?? 1000);
const SCRIPT = fileURLToPath(new URL('vectors/reference/random_cases.py', import.meta.url));

const vote = z.strictObject({ principal: PrincipalId, role: Role, decision: z.enum(['approve', 'reject']) });
const Question = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('number'), bits: Hex, answer: z.string().nullable() }),
  z.strictObject({ kind: z.literal('value'), value: z.json(), answer: z.string() }),
  z.strictObject({ kind: z.literal('bytes'), bytes: Hex, answer: z.boolean() }),
  z.strictObject({ kind: z.literal('policy'), policy: z.json(), votes: z.array(vote), answer: z.enum(['met', 'open', 'lost']).nullable() }),
  z.strictObject({ kind: z.literal('template'), template: z.json(), roster: z.record(Role, z.array(PrincipalId)), requester: PrincipalId, answer: Policy.nullable() }),
]);
type Question = z.infer<typeof Question>;

function unlessRefused<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return null;
  }
}

/** What this implementation says, in the form of the other's answer. */
function answer(question: Question): unknown {
  switch (question.kind) {
    case 'number':
      return unlessRefused(() => canonicalize(new DataView(question.bits.buffer).getFloat64(0)));
    case 'value':
      return Buffer.from(canonicalBytes(question.value)).toString('hex');
    case 'bytes':
      return unlessRefused(() => [parseCanonical(question.bytes)]) !== null;
    case 'policy': {
      const policy = Policy.safeParse(question.policy);
      if (!policy.success) return null;
      const { met, possible } = evaluatePolicy(policy.data, question.votes);
      return met ? 'met' : possible ? 'open' : 'lost';
    }
    case 'template': {
      const template = PolicyTemplate.safeParse(question.template);
      if (!template.success) return null;
      const resolved = resolvePolicy(template.data, question.roster, question.requester);
      return resolved.ok ? resolved.policy : null;
    }
  }
}

it(`both implementations answer ${COUNT} random questions of each kind alike (seed ${SEED})`, (context) => {
  if (spawnSync('python3', ['--version']).status !== 0) return context.skip('for want of python3');
  const { stdout, stderr, status } = spawnSync('python3', ['-B', SCRIPT, `${SEED}`, `${COUNT}`], { encoding: 'utf8', maxBuffer: 2 ** 30 });
  expect(status, stderr).toBe(0);
  const seen = new Map<string, number>();
  for (const line of stdout.trim().split('\n')) {
    const question = Question.parse(JSON.parse(line));
    expect(answer(question), line).toEqual(question.answer);
    const outcome = `${question.kind} ${question.answer === null || question.answer === false ? 'refused' : 'answered'}`;
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  }
  expect([...seen.values()].reduce((a, b) => a + b)).toBe(5 * COUNT);
  // Questions that are all refused, or all answered, would not tell the two apart.
  for (const outcome of ['bytes', 'policy', 'template'].flatMap((kind) => [`${kind} refused`, `${kind} answered`])) expect(seen.get(outcome), outcome).toBeGreaterThan(COUNT / 20);
}, 120_000);
