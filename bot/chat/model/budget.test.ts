import { describe, expect, it } from 'vitest';
import { Breaker } from './breaker.ts';
import { ConversationTokens, estimateTokens, TurnBudget } from './budget.ts';
import { BudgetSpent } from './failure.ts';

describe('TurnBudget', () => {
  it('ends after so many steps', () => {
    const budget = new TurnBudget({ steps: 2, tokens: 1e6 });
    budget.begin(1);
    budget.end(undefined);
    budget.begin(1);
    expect(() => { budget.begin(1); }).toThrow(BudgetSpent);
  });

  it('counts what the server counts, and estimates until then or for ever', () => {
    const budget = new TurnBudget({ steps: 9, tokens: 1000 });
    budget.begin(300);
    budget.grow('x'.repeat(300));
    expect(budget.used).toBe(400);
    budget.end(250);
    expect(budget.used).toBe(250);
    budget.begin(300);
    budget.end(undefined);
    expect(budget.used).toBe(550);
    budget.begin(10);
    budget.end(Number.NaN);
    expect(budget.used).toBe(560);
    expect(() => { budget.begin(441); }).toThrow(BudgetSpent);
  });

  it('ends in the middle of an answer that does not end', () => {
    const budget = new TurnBudget({ steps: 1, tokens: 100 });
    budget.begin(50);
    expect(() => { for (let i = 0; i < 1000; i++) budget.grow('some words '); }).toThrow(BudgetSpent);
    expect(budget.used).toBeLessThan(110);
  });
});

it('a conversation of before a restart has used at least what it holds', () => {
  const tokens = new ConversationTokens();
  expect(tokens.of('a', [{ text: 'x'.repeat(300) }])).toBe(estimateTokens('x'.repeat(300)));
  tokens.set('a', 7);
  expect(tokens.of('a', [{ text: 'x'.repeat(300) }])).toBe(7);
  for (let i = 0; i < 1000; i++) tokens.set(`other ${i}`, 1);
  expect(tokens.of('a', [])).toBe(0);
});

describe('Breaker', () => {
  it('lets one turn try after the rest, and everybody once that worked', () => {
    let now = 5;
    const breaker = new Breaker({ restMs: 60_000, now: () => now });
    expect([breaker.enter(), breaker.enter()]).toEqual([true, true]);
    breaker.failed();
    expect(breaker.enter()).toBe(false);
    now += 59_999;
    expect(breaker.enter()).toBe(false);
    now += 1;
    expect([breaker.enter(), breaker.enter()]).toEqual([true, false]);
    breaker.worked();
    expect([breaker.enter(), breaker.enter()]).toEqual([true, true]);
  });
});
