/**
 * Contracts are public. This is the one list by which a value of a request is taken for a secret; it errs towards refusing,
 * and cannot know a secret that neither its name nor its form gives away.
 */

/** Words of which every name that has one is a secret's, in the languages we are asked in. */
const STRONG = /PASS|PWD|SECRET|TOKEN|CREDENTIAL|JWT|BEARER|MNEMONIC|KENNWORT|GEHEIM|CONTRASEN|WACHTWOORD|SEGRET|CONNECTION_?STRING/;
/** Those that also stand for other things: in a command or a value they count beside a long value only. */
const WEAK = /KEY|AUTH|DSN|SIGNATURE|(?:^|_)(?:CREDS?|PATS?|PSK|SIG)(?:_|$)/;
/** Words that only sound like one. */
const HARMLESS = /MONKEY|DONKEY|TURKEY|HOCKEY|HOTKEY|VALKEY|KEYBOARD|KEYWORD|KEYSPACE|KEYCLOAK|KEYMAP|KEYFRAME|KEYNOTE|PUBLIC_?KEY|PUB_?KEY|COMPASS(?!W)|BYPASS(?!W)|PASSENGER|PASSIVE|PASSTHROUGH|PASSAGE|TOKENI[SZ]|MAX(?:_NEW)?_?TOKENS?|AUTHOR(?!I[SZ])|AUTHENTIK/g;
/** A last word that says something about the secret: `PASSWORD_FILE`, `TOKEN_URL`. */
const ABOUT = /_(?:FILE|PATH|DIR|URL|URI|HOST|PORT|TYPE|METHOD|MODE|NAME|ENABLED|SIZE|LENGTH|LIMIT|COUNT|TTL|ALGORITHM|PROVIDER|REALM|ISSUER|AUDIENCE)$/;
/** Nothing, a truth value, or where the value is to be had. */
const NO_SECRET = /^(?:|true|false|yes|no|on|off|none|\$\(.*|\$\{?[A-Z_][A-Z0-9_]*\}?)$/i;

/** `strong` or `weak` when the name (of a variable, option or field) is one for secrets. */
function strength(name: string): 'strong' | 'weak' | undefined {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase().replace(/[^A-Z0-9]+/g, '_').replace(HARMLESS, '_');
  if (ABOUT.test(words)) return undefined;
  return STRONG.test(words) ? 'strong' : WEAK.test(words) ? 'weak' : undefined;
}

/** Whether a variable looks like a secret, by its name or by what is in its value. */
export function isSecretPair(name: string, value: string): boolean {
  const named = strength(name);
  return (named !== undefined && !NO_SECRET.test(value) && !(named === 'weak' && /^\d{1,6}$/.test(value))) || holdsSecret(value);
}

/** Forms that only secrets have: private keys, tokens of well-known services, signed tokens. */
const SHAPES = /-----BEGIN [A-Z ]*PRIVATE KEY|AGE-SECRET-KEY-1|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|[rs]k_live_|npm_|hf_)\w{10}|\bAKIA[A-Z0-9]{12}|\beyJ[\w-]{8,}\.eyJ|\b(?:bearer|basic)\s+[\w.+/=-]{12}/i;
/** `name=value` and `name: value`, as in options, queries, settings and JSON; a value may be the next one's name. */
const ASSIGNED = /([A-Za-z][\w.-]{0,63})["']?\s{0,3}[=:](?![=:])(?=\s{0,3}["']?([^\s&;,"']{1,80}))/g;
/** `--name value`. */
const OPTION = /(?:^|\s)--?([A-Za-z][\w.-]{2,63})\s{1,3}["']?([^\s"'-][^\s"']{0,79})/g;
/** `curl -u somebody:word`. */
const USER = /(?:^|\s)(?:-u|--user|--proxy-user)[\s=]{0,3}["']?[^\s:"'$]{1,64}:[^\s$]/;

/** Whether a secret is written in a text: a command, an address, a value. */
export function holdsSecret(text: string): boolean {
  if (SHAPES.test(text) || USER.test(text) || holdsLogin(text)) return true;
  return [...text.matchAll(ASSIGNED), ...text.matchAll(OPTION)].some(([, name = '', value = '']) => {
    const named = strength(name);
    return named !== undefined && !NO_SECRET.test(value) && (named === 'strong' || (value.length >= 8 && !/^\w+:\/\//.test(value)));
  });
}

/** Whether an address anywhere in the text has a user or password in it. SSH wants a user, and takes no password there. */
function holdsLogin(text: string): boolean {
  for (const [, scheme = '', user = ''] of text.matchAll(/([a-z][a-z0-9+.-]{0,31})?:[\\/]{2,}([^\s\\/?#@]{0,300})@/gi)) {
    if (!/^(?:git\+)?ssh$/i.test(scheme) || user.includes(':')) return true;
  }
  // Without a scheme, and with a slash in the password.
  return /(?:^|[\s"'=])[^\s\\/?#@:"'=]{1,64}:[^\s\\/?#@]{1,200}@[\w[]/.test(text) || /:[\\/]{2,}[^\s\\/?#@:]{1,64}:(?!\d{1,5}[\\/])[^\s@]{1,200}@/.test(text);
}
