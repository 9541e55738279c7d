import { digestOf } from '../../contract/digest.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import { engineOf } from '../../contract/workload.ts';
import { amountsOf, type Deal, type Facts, type Run, within } from './facts.ts';
import type { Rule } from './reference.ts';
import { asks, isMet } from './ways.ts';

const MAX_SECRETS = 16;

export const EXECUTION_RULES: { readonly [K in 'deployment.accepted' | 'deployment.reported' | 'secret.sealed' | 'assignment.moved']: Rule<K> } = {
  'deployment.accepted': {
    judge: (facts, { by, deployment, contract, role, execution }) => {
      const run = facts.runs.get(deployment);
      const deal = facts.deals.get(contract);
      if (!run || !deal || run.deal !== contract || facts.statusOf(deal) !== 'active') return ['contract_unknown'];
      const policy = deal.header.acceptance;
      return [
        (!policy || !asks(policy, by, role)) && 'not_permitted',
        [...run.holds.keys()].some((workload) => run.reports.get(workload)?.phase !== 'running') && 'not_running',
        execution !== executionOf(run) && 'execution_changed',
        run.acceptance?.execution === executionOf(run) && run.acceptance.votes.some((v) => v.by === by) && 'already_voted',
      ];
    },
    accept: (facts, { by, deployment, contract, role }, { key }) => {
      const run = facts.runs.get(deployment)!;
      const execution = executionOf(run);
      const votes = [...(run.acceptance?.execution === execution ? run.acceptance.votes : []), { by, role, yes: true, key }];
      const policy = facts.deals.get(contract)?.header.acceptance;
      run.acceptance = { execution, votes, met: policy !== undefined && isMet(policy, votes) };
    },
  },
  'deployment.reported': {
    judge: (facts, { by, deployment, workload, epoch, revision }) => {
      const run = facts.runs.get(deployment);
      const hold = run?.holds.get(workload);
      if (!run || !hold) return ['contract_unknown'];
      const before = run.reports.get(workload);
      return [(hold.node !== by || hold.epoch !== epoch) && 'node_fenced', before?.epoch === epoch && revision <= before.revision && 'stale_revision'];
    },
    accept: (facts, { deployment, workload, epoch, revision, phase, measured, complete = [] }) => {
      const run = facts.runs.get(deployment)!;
      run.reports.set(workload, { epoch, revision, phase, measured });
      // Only a front end has read the others' parts.
      if (facts.deals.get(run.deal)?.header.assignments.find((a) => a.workload === workload)?.type !== 'archive') return;
      for (const moved of [...run.unrestored]) if (complete.includes(`${moved}@${run.holds.get(moved)?.epoch}`)) run.unrestored.delete(moved);
    },
  },
  'secret.sealed': {
    judge: (facts, { by, deployment, secret, recipient }) => {
      const run = facts.runs.get(deployment);
      const owner = run && facts.deals.get(run.deal)?.header.requester;
      if (!run) return ['contract_unknown'];
      const holds = (who: PrincipalId): boolean => [...run.holds.values()].some((h) => h.node === who);
      const sealed = run.secrets.get(secret);
      return [
        !holds(recipient) && recipient !== owner && 'not_permitted',
        by !== owner && !(holds(by) && sealed?.has(by)) && 'not_permitted',
        sealed?.has(recipient) && (by !== owner || recipient === owner) && 'secret_exists',
        !sealed && run.secrets.size >= MAX_SECRETS && 'too_many',
      ];
    },
    accept: (facts, { deployment, secret, recipient, ciphertext }) => {
      const { secrets } = facts.runs.get(deployment)!;
      secrets.set(secret, new Map([...secrets.get(secret) ?? [], [recipient, ciphertext]]));
    },
  },
  'assignment.moved': {
    judge: (facts, { deployment, workload, from, to, epoch }) => {
      const run = facts.runs.get(deployment);
      const deal = run && facts.deals.get(run.deal);
      const hold = run?.holds.get(workload);
      if (!run || !deal || !hold) return ['contract_unknown'];
      const successor = successorOf(facts, deal, run, workload);
      return [
        facts.statusOf(deal) !== 'active' && 'contract_not_open',
        !deal.header.autonomy.replace && 'move_not_allowed',
        (hold.node !== from || epoch !== hold.epoch + 1) && 'epoch_mismatch',
        facts.isAlive(from) && 'lease_held',
        !bearsMove(facts, deal, run, workload) && 'too_many_lost',
        successor === undefined ? 'no_capacity' : successor !== to && 'move_mismatch',
      ];
    },
    accept: (facts, { deployment, workload, to, epoch }, { time }) => {
      const run = facts.runs.get(deployment)!;
      const { bounds, assignments } = facts.deals.get(run.deal)!.header;
      for (const update of facts.live('proposed')) if (update.header.deployment === deployment) update.ended = { how: 'overtaken', at: time };
      run.holds.set(workload, { node: to, epoch });
      run.epochs.set(workload, epoch);
      run.reports.delete(workload);
      const group = assignments.find((a) => a.workload === workload)?.group;
      if (bounds.some((b) => b.group === group)) run.unrestored.add(workload);
    },
  },
};

/** What a stakeholder accepts: the contract, who holds what, and what was measured. */
export function executionOf(run: Run): string {
  const measured = [...run.reports].flatMap(([workload, r]) => (r.measured === undefined ? [] : [[workload, r.measured] as const]));
  return digestOf({ contract: run.deal, holdings: Object.fromEntries(run.holds), measured: Object.fromEntries(measured) });
}

/** Members of a bounded group that are without their part now: the node is gone, says that it failed, or is new and not restored. */
function bearsMove(facts: Facts, { header }: Deal, run: Run, workload: string): boolean {
  const group = header.assignments.find((a) => a.workload === workload)?.group;
  const bound = header.bounds.find((b) => b.group === group);
  if (!bound) return true;
  const without = [...run.holds].filter(([name, { node, epoch }]) => {
    const report = run.reports.get(name);
    const member = header.assignments.some((a) => a.workload === name && a.group === group);
    return member && (!facts.isAlive(node) || run.unrestored.has(name) || (report?.epoch === epoch && report.phase === 'failed'));
  });
  return without.length <= bound.atMost;
}

/** The placement rule in its own words (contract/placement): of the nodes that may, the one with the least of the deployment, of the group in its city, the least price, the least digest. */
export function successorOf(facts: Facts, { header }: Deal, run: Run, workload: string): PrincipalId | undefined {
  const lost = header.assignments.find((a) => a.workload === workload);
  const hold = run.holds.get(workload);
  if (!lost || !hold) return undefined;
  const others = header.assignments.filter((a) => a !== lost).map((a) => ({ ...a, node: run.holds.get(a.workload)?.node ?? a.node }));
  const engine = engineOf(lost.type);
  const pinned = header.engines.find((e) => e.name === engine)?.digest;
  const cityOf = (node: PrincipalId): string => { const at = facts.machines.get(node)?.attested; return at && facts.market().includes(node) && node !== hold.node ? `${at.country}/${at.city}` : ''; };
  const may = facts.market().filter((node) => {
    const { offer, attested } = facts.machines.get(node)!;
    const { countries, cities } = header.constraints;
    return node !== hold.node && offer!.capabilities.includes(lost.type)
      && (!engine || offer!.engines.some((e) => e.name === engine && e.digest === pinned))
      && (countries.length === 0 || countries.includes(attested!.country)) && (cities.length === 0 || cities.includes(attested!.city))
      && !others.some((o) => o.group === lost.group && o.node === node) && within(amountsOf(lost.resources), facts.freeOn(node));
  });
  const ranked = may.map((node) => ({
    node,
    rank: [others.filter((o) => o.node === node).length, others.filter((o) => o.group === lost.group && cityOf(o.node) === cityOf(node)).length, BigInt(facts.machines.get(node)!.offer!.rates.terabyte), digestOf([header.deployment, workload, node])] as const,
  }));
  const before = (a: (typeof ranked)[number], b: (typeof ranked)[number]): boolean => {
    const at = a.rank.findIndex((part, i) => part !== b.rank[i]);
    return at >= 0 && a.rank[at]! < b.rank[at]!;
  };
  return ranked.find((a) => ranked.every((b) => a === b || before(a, b)))?.node;
}
