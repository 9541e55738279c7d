import { WISHES } from './intent-words.ts';
import { evadesApproval } from './safety-approvals.ts';
import { type Mark, Marks } from './safety-marks.ts';
import { claimsOthers, ownsBehind, tellsSecrets, touchesOthers } from './safety-ownership.ts';
import type { Range, Request } from './tokens.ts';

export interface Unsafe {
  readonly message: string;
  readonly hint: string;
}

const ACCESS: Unsafe = { message: 'nobody can log in to what runs here, administrators included', hint: 'say what should run and what it should do; it is deployed and disconnected' };
const SIGNATURES: Unsafe = { message: 'nobody signs for another, and no signature is skipped', hint: 'ask without it: each stakeholder named in the contract is asked to sign' };
const KEYS: Unsafe = { message: 'private keys never leave the place where they are kept', hint: 'ask for what should run; credentials are given out when it does' };
const ENCRYPTION: Unsafe = { message: 'encryption cannot be turned off', hint: 'ask without it' };
const OTHERS: Unsafe = { message: 'what others run can only be ended by those whom its contract names', hint: 'to end what is yours: 3bot contract cancel ID' };

/** Asks for what no contract can give: a way in, a signature in another's name, an end to others' work, a private key. */
export function findUnsafe(request: Request): Unsafe | undefined {
  const marks = new Marks(request);
  if (asksWayIn(marks)) return ACCESS;
  if (asksSignature(marks) || evadesApproval(marks)) return SIGNATURES;
  if (asksKeys(marks) || tellsSecrets(marks)) return KEYS;
  if (asksPlain(marks)) return ENCRYPTION;
  if (asksOthers(marks) || claimsOthers(marks) || touchesOthers(marks)) return OTHERS;
  return undefined;
}

function asksWayIn(marks: Marks): boolean {
  const wanted = (mark: Mark): boolean => !marks.isDenied(mark) && marks.near(mark, { before: 2 }, 'without').length === 0;
  return (
    marks.of('backdoor').some(wanted) ||
    marks.of('remote').some((mark) => wanted(mark) && !isKeyOrFlow(marks, mark)) ||
    marks.of('root').some((mark) => wanted(mark) && isRootWanted(marks, mark)) ||
    marks.of('console').some((mark) => wanted(mark) && !isProduct(marks, mark) && (marks.near(mark, { before: 6, after: 7 }, 'machine').length > 0 || marks.near(mark, { before: 3, after: 3 }, 'access').length > 0 || marks.near(mark, { before: 3 }, 'requester').length > 0)) ||
    marks.of('login').some((mark) => wanted(mark) && isLogin(marks, mark)) ||
    marks.of('pubkey').some((mark) => wanted(mark) && marks.near(mark, { before: 6 }, 'put').length > 0 && marks.near(mark, { after: 6 }, 'machine').some(({ from }) => from > mark.to)) ||
    marks.of('access').some((mark) => wanted(mark) && !marks.has('network') && marks.near(mark, { after: 4 }, 'machine').some((machine) => marks.near(machine, { after: 2 }, 'for').some(({ to }) => /^(?:me|mich|moi|mi|mij)$/.test(marks.word(to))))) ||
    marks.of('access').some((mark) => wanted(mark) && !marks.has('network') && marks.near(mark, { before: 4 }, 'requester').length > 0 && marks.near(mark, { after: 5 }, 'machine').length > 0)
  );
}

/** SSH keys to be stored, or a port that members of a network may reach: no way in for who asks. */
function isKeyOrFlow(marks: Marks, mark: Mark): boolean {
  // `our SSH key server`: what it is called.
  if (marks.near(mark, { after: 1 }, 'key').some(({ to }) => marks.near({ from: to, to }, { after: 1 }, 'machine').length > 0)) return true;
  const demanded = marks.near(mark, { before: 4 }, 'requester').length > 0 || marks.near(mark, { before: 2, after: 3 }, 'access', 'login').length > 0;
  if (marks.near(mark, { after: 2 }, 'key').length > 0) return marks.near(mark, { before: 6, after: 8 }, 'machine', 'access').length === 0;
  return marks.has('network') && !demanded;
}

function isRootWanted(marks: Marks, mark: Mark): boolean {
  const word = marks.word(mark.from);
  if (/(?:zugang|zugriff|rechte|rechten|toegang)$/.test(word)) return true;
  if (marks.near(mark, { before: 4, after: 3 }, 'access').length > 0 || marks.near(mark, { after: 1 }, 'console').length > 0) return true;
  // `a compte administrateur sur l'hôte`
  if (mark.to - mark.from > 1 || /(?:account|konto)$/.test(word)) return marks.near(mark, { before: 4 }, 'requester').length > 0 || marks.near(mark, { after: 7 }, 'machine').length > 0;
  if (word !== 'root' && !word.startsWith('super')) return marks.near(mark, { before: 6 }, 'login').length > 0;
  if (/^(?:everyone|everybody|anyone|all|jedem|allen|jeder|monde|tutti|todos|iedereen)$/.test(marks.word(mark.from - 1))) return true;
  return marks.near(mark, { before: 4 }, 'requester', 'login').length > 0 || marks.near(mark, { before: 4, after: 7 }, 'machine').length > 0;
}

/** `a console app`, `game console`: things. */
function isProduct(marks: Marks, mark: Mark): boolean {
  return /^(?:app|apps|application|applikation|anwendung|program|programm|games?|spiele?|emulator|company|script|scripts)$/.test(marks.word(mark.to)) || /^(?:game|games|spiele|web|gaming|jeux|payment)$/.test(marks.word(mark.from - 1));
}

/** Users log in to what runs; who asks does not log in to where it runs. */
function isLogin(marks: Marks, mark: Mark): boolean {
  if (/^(?:touch|early|before|by|line|page|form|screen|fix|feature|bug|seite|maske)$/.test(marks.word(mark.to)) || marks.word(mark.to) === '-') return false;
  const where = marks.near(mark, { before: 8, after: 7 }, 'machine').length > 0 || marks.near(mark, { after: 5 }, 'root').length > 0;
  const self = marks.near({ from: mark.from, to: mark.from }, { before: 6 }, 'requester').length > 0 || marks.of('requester').some(({ from }) => from >= mark.from && from < mark.to + 1) || marks.opens(mark, 1);
  const users = marks.near(mark, { before: 5 }, 'users').length > 0;
  // `ana may enter the server on port 8443`: a flow.
  if (!self && marks.has('network') && [1, 2, 3, 4, 5, 6].some((ahead) => /^(?:port|porta|puerto|poort)$/.test(marks.word(mark.to + ahead)))) return false;
  return where && (self || !users);
}

function asksSignature(marks: Marks): boolean {
  const wanted = (mark: Mark): boolean => !marks.isDenied(mark);
  // Who signs in or up signs nothing.
  const verbs = marks.of('sign', 'approve').filter((mark) => !marks.isNoun(mark) && isWhole(marks, mark) && !(/^(?:in|up|into)$/.test(marks.word(mark.to)) && marks.near(mark, { after: 1 }, 'stead').length === 0));
  if (verbs.some((mark) => wanted(mark) && marks.opens(mark, 1) && marks.near(mark, { after: 2 }, 'everything').length > 0)) return true;
  if (verbs.some((mark) => wanted(mark) && marks.near(mark, { before: 5 }, 'for').some((as) => /^(?:als|as|come|como)$/.test(marks.word(as.from)) && marks.near(as, { after: 2 }, 'stakeholder').length > 0))) return true;
  if (verbs.some((mark) => marks.near(mark, { before: 6, after: 9 }, 'stead').some((stead) => !isBroken(marks, mark, stead)) && wanted(mark))) return true;
  if (verbs.some((mark) => wanted(mark) && !isTold(marks, mark) && forsBehind(marks, mark).some((preposition) => marks.near(preposition, { after: 4 }, 'other', 'stakeholder').length > 0 || marks.near(preposition, { after: 1 }, 'requester').length > 0))) return true;
  if (verbs.some((mark) => marks.opens(mark) && marks.near(mark, { after: 5 }, 'contract', 'approval').length > 0)) return true;
  if (marks.of('signature').some((mark) => !marks.isDenied(mark) && marks.near(mark, { before: 7, after: 9 }, 'put').length > 0 && (marks.near(mark, { before: 3, after: 5 }, 'stakeholder', 'other').length > 0 || (marks.word(mark.from - 1) === 's' && /^['’]$/.test(marks.request.tokens[mark.from - 2]?.raw ?? ''))))) return true;
  if (isNeedless(marks, 'approval')) return true;
  // `don't wait for the approvals`
  if (marks.of('wait').some((mark) => marks.near(mark, { before: 4, after: 3 }, 'not', 'without').length > 0 && marks.near(mark, { before: 5, after: 7 }, 'approval').length > 0)) return true;
  if (verbs.some((mark) => wanted(mark) && marks.near(mark, { after: 8 }, 'key').length > 0 && marks.near(mark, { after: 8 }, 'other').length > 0)) return true;
  if (marks.of('pretend').some((mark) => wanted(mark) && marks.near(mark, { after: 6 }, 'stakeholder', 'other', 'approval', 'approve', 'sign').length > 0)) return true;
  if (marks.of('skip').some((mark) => wanted(mark) && (marks.near(mark, { before: 6, after: 6 }, 'approval').length > 0 || (!isAvoiding(marks, mark) && marks.near(mark, { after: 3 }, 'stakeholder').length > 0)))) return true;
  if (marks.of('without').some((mark) => !deniedBefore(marks, mark) && marks.near(mark, { after: 4 }, 'approval').some((approval) => !isBroken(marks, mark, approval)))) return true;
  return marks.of('unasked').some((mark) => wanted(mark) && (marks.near(mark, { before: 3, after: 5 }, 'approve', 'sign', 'other', 'stakeholder', 'approval').length > 0 || /^(?:anyone|anybody|permission|jemanden|irgendwen|qui|quiconque|nessuno|nadie|iemand|wie)$/.test(marks.word(mark.to))));
}

/** Also `4 my boss`. */
function forsBehind(marks: Marks, mark: Mark): readonly Range[] {
  const fours = [2, 3, 4].map((step) => ({ from: mark.from + step, to: mark.from + step + 1 })).filter(({ from }) => marks.word(from) === '4' && /^(?:my|our|the|his|her|me|us|him|them|u)$/.test(marks.word(from + 1)));
  return [...marks.near(mark, { after: 8 }, 'for'), ...fours];
}

/** `the approvals can be left out`, `pas besoin de validation` */
function isNeedless(marks: Marks, what: 'approval' | 'encryption'): boolean {
  return marks.of('needless').some((mark) => !marks.isDenied(mark) && marks.near(mark, { before: 9, after: 4 }, what).length > 0);
}

/** `legal will sign for us`: somebody else does it, as it should be. */
function isTold(marks: Marks, mark: Mark): boolean {
  return /^(?:will|must|shall|should|may|wird|muss|soll|va|doit|deve|debe|moet|zal)$/.test(marks.word(mark.from - 1)) && !/^(?:you|du|ihr|sie|tu|vous|je|jij|u|bot|3bot)$/.test(marks.word(mark.from - 2));
}

/** To avoid legal trouble skips nobody. */
function isAvoiding(marks: Marks, mark: Mark): boolean {
  return /^(?:avoid|avoiding|evit|vermei|vermij)/.test(marks.word(mark.from));
}

/** `not without approval`; the word itself denies, so only what stands before it counts. */
function deniedBefore(marks: Marks, mark: Mark): boolean {
  return marks.near(mark, { before: 7 }, 'not', 'nobody').some((other) => !isBroken(marks, other, mark));
}

function isBroken(marks: Marks, a: Mark, b: Mark): boolean {
  const [from, to] = a.to <= b.from ? [a.to, b.from] : [b.to, a.from];
  for (let at = from; at < to; at++) if (/^[,.;:!?]$/.test(marks.request.tokens[at]?.raw ?? '')) return true;
  return false;
}

function asksKeys(marks: Marks): boolean {
  const isKept = (mark: Mark): boolean => marks.near(mark, { before: 4 }, 'mine').length > 0 && /^(?:for|of|fur|von|pour|de|di|per|para|voor|van|store|speichern|stocker|our|my)$/.test(marks.word(marks.near(mark, { before: 4 }, 'mine')[0]!.from - 1));
  if (marks.of('hand').some((mark) => !marks.isDenied(mark) && !isKept(mark))) return true;
  if (marks.of('password').some((mark) => !marks.isDenied(mark) && [...marks.near(mark, { before: 4, after: 6 }, 'stakeholder', 'other').filter(({ from }) => from !== mark.to), ...marks.near(mark, { after: 6 }, 'another').filter((owner) => isPeople(marks, owner))].length > 0)) return true;
  return marks.of('key').some((key) => {
    const secret = marks.near(key, { before: 2, after: 1 }, 'secret')[0];
    if (!secret || /^(?:value|values|valeur|valeurs|valore|valori|valor|valores|waarde|wert|werte)$/.test(marks.word(key.to + (marks.word(key.to) === '-' ? 1 : 0)))) return false;
    return !marks.isDenied(key) && !marks.isDenied(secret) && !isKept(secret);
  });
}

function asksPlain(marks: Marks): boolean {
  if (isNeedless(marks, 'encryption') || /\bencrypt(?:ion|ed)?\s*[:=]\s*["']?(?:false|off|no|none|0)\b/i.test(marks.request.text)) return true;
  if (marks.of('plain').some((mark) => !marks.isDenied(mark))) return true;
  return marks.of('encryption').some((mark) => {
    if (marks.near(mark, { before: 3 }, 'without').some((without) => !deniedBefore(marks, without))) return true;
    if (/^(?:encrypt|verschlusseln|chiffrer|cifrare|cifrar|versleutelen)$/.test(marks.word(mark.from))) return marks.near(mark, { before: 3 }, 'not').length > 0;
    if (isSetOff(marks, mark)) return true;
    return marks.near(mark, { before: 8, after: 10 }, 'disable').some((verb) => {
      if (marks.isDenied(verb) || (marks.isDenied(mark) && verb.from > mark.from)) return false;
      const split = /^(?:zet|schalte?|stelle?|mach|haal|laat|schakel|turn|switch)$/.test(marks.word(verb.from));
      // `turn of` is a slip that everybody makes.
      return !split || marks.of('off').some(({ from }) => from > verb.from) || (/^(?:turn|switch)$/.test(marks.word(verb.from)) && marks.word(verb.to) === 'of');
    });
  });
}

/** `encryption: off`, `Verschlüsselung aus`, `chiffrement désactivé` */
function isSetOff(marks: Marks, mark: Mark): boolean {
  let at = mark.to;
  while (/^(?:[:=]|is|set|to|ist|soll|est|e|esta|staat|sei)$/.test(marks.word(at)) && at < mark.to + 3) at++;
  return /^(?:off|none|disabled|deactivated|false|aus|ausgeschaltet|abgeschaltet|deaktiviert|nein|desactivee?|coupee?|eteint|disattivat[oa]|disabilitat[oa]|spent[oa]|desactivad[oa]|apagad[oa]|deshabilitad[oa]|uit|uitgeschakeld|uitgezet)$/.test(marks.word(at));
}

function asksOthers(marks: Marks): boolean {
  return marks.of('end', 'takeover').some((verb) => {
    if (marks.isNoun(verb) || marks.isDenied(verb) || !isWhole(marks, verb)) return false;
    const users = marks.near(verb, { before: 5 }, 'users').length > 0;
    const thing = marks.near(verb, { before: 9, after: 10 }, 'workload').length > 0 || marks.near(verb, { after: 4 }, 'everything').length > 0;
    const owner = marks.near(verb, { before: 8, after: 10 }, 'other').some((other) => !(users && /^(?:his|her|their)$/.test(marks.word(other.from))));
    if (thing && (owner || marks.near(verb, { before: 8, after: 9 }, 'another').some((mark) => isPeople(marks, mark)))) return true;
    if (marks.near(verb, { after: 9 }, 'belongs').some((mark) => !/^(?:me|us|mir|uns|moi|nous|me|noi|mi|mij|ons)$/.test(marks.word(mark.to)))) return true;
    if (isGenitive(marks, verb)) return true;
    if (thing && isNamedBefore(marks, verb)) return true;
    if (!marks.opens(verb, 3)) return false;
    const group = marks.near(verb, { after: 9 }, 'group').find((mark) => !/^(?:my|our|mein|unser|mon|notre|mio|nostro|mi|nuestro|mijn|onze)/.test(marks.word(mark.from - 1)) || marks.word(mark.from - 1) === 'mit');
    if (group && (marks.near(group, { after: 4 }, 'runs').length > 0 || (thing && (isGenitiveAt(marks, group.to) || /^(?:of|der|des|du|de|del|della|dell|dello|di|van|von|vom|s)$/.test(marks.word(group.from - 1)) || /^(?:of|von|de|di|van)$/.test(marks.word(group.from - 2)))))) return true;
    if (thing && marks.near(verb, { after: 9 }, 'group').some((mark) => ownsBehind(marks, mark))) return true;
    const all = marks.near(verb, { after: 4 }, 'everything')[0];
    if (all && marks.near(verb, { after: 5 }, 'workload').length > 0 && marks.near(verb, { after: 5 }, 'mine').length === 0) return true;
    return thing && isNamed(marks, verb);
  }) || marks.of('peek').some((verb) => {
    if (marks.isDenied(verb)) return false;
    const owners = marks.near(verb, { after: 10 }, 'another').filter((mark) => isPeople(marks, mark));
    return owners.some((owner) => marks.near(owner, { before: 4, after: 4 }, 'workload', 'access', 'key').length > 0);
  });
}

/** `neem … over`, `schalte … ab`: verbs whose other half stands later. */
const HALVES: Readonly<Record<string, RegExp>> = { neem: /^(?:over|af)$/, nimm: /^(?:weg|ab)$/, pak: /^af$/, schalte: /^(?:ab|aus)$/, fahr: /^(?:runter|herunter)$/, fahre: /^(?:runter|herunter)$/, lege: /^(?:lahm|still)$/, zet: /^uit$/, zeg: /^op$/, hef: /^op$/, kick: /^(?:off|out)$/, zeichne: /^(?:ab|gegen)$/, zeichnet: /^(?:ab|gegen)$/ };

function isWhole(marks: Marks, verb: Mark): boolean {
  const half = HALVES[marks.word(verb.from)];
  if (!half || verb.to - verb.from > 1) return true;
  for (let at = verb.to; at < verb.to + 12; at++) if (half.test(marks.word(at))) return true;
  return false;
}

/** Others who own something: `other customers`, `of others`, and not `another archive`. */
function isPeople(marks: Marks, mark: Mark): boolean {
  return marks.near(mark, { after: 1 }, 'users', 'group').length > 0 || (/^(?:of|from|von|der|des|d|de|di|degli|dei|van|los|las|les)$/.test(marks.word(mark.from - 1)) && marks.near(mark, { after: 1 }, 'workload').length === 0 && /s$|r$|i$|n$/.test(marks.word(mark.from)));
}

function isGenitiveAt(marks: Marks, at: number): boolean {
  return /^['’]$/.test(marks.request.tokens[at]?.raw ?? '');
}

/** `Bob's archive` behind the verb. */
function isGenitive(marks: Marks, verb: Mark): boolean {
  for (let at = verb.to; at < verb.to + 6; at++) {
    const { tokens } = marks.request;
    if (/^['’]$/.test(tokens[at]?.raw ?? '') && marks.word(at + 1) === 's' && !/^(?:it|that|let|what|here|there|today|he|she|year|month|week)$/.test(marks.word(at - 1)) && tokens[at]?.attached) return marks.near({ from: at + 2, to: at + 2 }, { after: 4 }, 'workload').length > 0;
  }
  return false;
}

/** `Il database di Rossi va cancellato`: the owner before the verb, and no time after which things go by themselves. */
function isNamedBefore(marks: Marks, verb: Mark): boolean {
  const { tokens } = marks.request;
  const german = ['de', 'nl'].includes(marks.language);
  let named = false;
  for (let at = verb.from - 1; at > Math.max(0, verb.from - 25) && !/^[.!?;:]$/.test(tokens[at]?.raw ?? ''); at--) {
    const token = tokens[at];
    if (token?.kind === 'number' || WISHES.has(token?.norm ?? '')) return false;
    if (!token || !/^(?:von|vom|der|des|di|de|del|du|d|of|van)$/.test(marks.word(at - 1))) continue;
    named ||= marks.near({ from: at, to: at }, { after: 1 }, 'group', 'other').length > 0 || (!german && /^\p{Lu}\p{Ll}/u.test(token.raw));
  }
  return named;
}

/** `the archive of Bob`: an owner with a name. */
function isNamed(marks: Marks, verb: Mark): boolean {
  for (let at = verb.to; at < verb.to + 7; at++) {
    if (!['von', 'de', 'di', 'van', 'of', 'd'].includes(marks.word(at))) continue;
    const token = marks.request.tokens[at + (marks.request.tokens[at + 1]?.raw === "'" ? 2 : 1)];
    if (token?.kind === 'word' && /^\p{Lu}\p{Ll}/u.test(token.raw) && marks.near({ from: at + 1, to: at + 1 }, { after: 1 }, 'workload').length === 0) return true;
  }
  return false;
}
