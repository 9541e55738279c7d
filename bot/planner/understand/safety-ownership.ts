import type { Mark, Marks } from './safety-marks.ts';

/** What is others' made one's own, or told: `transfer the contract to my name`, `make me owner of their archive`, `dump the secrets`. */
export function claimsOthers(marks: Marks): boolean {
  return marks.of('give').some((verb) => {
    if (marks.isDenied(verb) || !marks.opens(verb, 2)) return false;
    const owner = marks.near(verb, { after: 5 }, 'owner')[0];
    if (owner && marks.near(owner, { after: 8 }, 'workload').length > 0) return true;
    return marks.near(verb, { after: 4 }, 'contract').length > 0 && marks.near(verb, { after: 10 }, 'tome').length > 0;
  });
}

/** Changes or copies what belongs to others, where the sentence opens with it. */
export function touchesOthers(marks: Marks): boolean {
  return marks.of('peek').some((verb) => {
    if (marks.isDenied(verb) || marks.isNoun(verb) || !marks.opens(verb, 1) || marks.near(verb, { after: 10 }, 'workload').length === 0) return false;
    if (isOffer(marks, verb)) return false;
    return marks.near(verb, { after: 9 }, 'other').length > 0 || marks.near(verb, { after: 6 }, 'group').some((group) => ownsBehind(marks, group));
  });
}

/** `give my colleague a database`: a new thing, with an article of its own. */
function isOffer(marks: Marks, verb: Mark): boolean {
  const thing = Math.min(verb.to + 9, ...marks.near(verb, { after: 9 }, 'workload').map(({ from }) => from));
  for (let at = verb.to; at < thing; at++) if (/^(?:a|an|new|ein|eine|einen|einem|neue|neues|un|une|uno|una|een|nouvelle|nuevo|nueva|nuovo|nuova|nieuwe)$/.test(marks.word(at)) || marks.request.tokens[at]?.kind === 'number') return true;
  return false;
}

/** `marketing's archive`, `das Archiv der Marketingabteilung`, and not `our team's archive`. */
export function ownsBehind(marks: Marks, group: Mark): boolean {
  const before = marks.word(group.from - 1);
  const article = /^(?:the|la|el|l|de|die|['’])$/.test(before) ? marks.word(group.from - 2) : before;
  if (/^(?:my|our|mein\w*|unser\w*|mon|ma|notre|nos|mio|mia|nostr[oa]|mi|nuestr[oa]|mijn|onze)$/.test(before)) return false;
  const genitive = /^['’]$/.test(marks.request.tokens[group.to]?.raw ?? '') && marks.word(group.to + 1) === 's';
  return genitive || /^(?:of|der|des|vom|von|du|de|del|della|dell|di|van)$/.test(before) || /^(?:of|von|de|di|van|dell|l)$/.test(article);
}

/** `show me the passphrase of the CRM`, `dump the secrets of the cluster` */
export function tellsSecrets(marks: Marks): boolean {
  return marks.of('reveal').some((verb) => {
    if (marks.isDenied(verb) || !marks.opens(verb, 2) || isOffer(marks, verb)) return false;
    if (marks.near(verb, { after: 4 }, 'secrets').length > 0) return true;
    return marks.near(verb, { after: 5 }, 'password').some((password) => marks.near(password, { after: 8 }, 'workload', 'machine').length > 0);
  });
}
