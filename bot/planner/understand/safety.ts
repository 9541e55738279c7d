import type { Request } from './tokens.ts';

export interface Unsafe {
  readonly message: string;
  readonly hint: string;
}

const ACCESS = /\b(?:ssh|sftp|telnet|rdp|vnc|shell|shells|sudo|root (?:access|account|password|login|shell|user|zugang)|(?:log|logging|logs) (?:me |us |him |her |them )?(?:in|into|on)|(?:as|als|en tant que|come|como) root|login|logins|logon|sign in to|console access|terminal access|remote desktop|backdoor|back door|docker exec|kubectl exec|einloggen|shellzugang|rootzugang|hintertur|mot de passe root|acces (?:root|administrateur)|porte derobee|accesso root|acceso root|puerta trasera|inloggen|achterdeur)\b/;
const SIGN = '(?:sign|signs|approve|approves|unterschreib\\w*|unterzeichne\\w*|genehmig\\w*|signe|signer|approuve\\w*|approva|aprueba|aprobar|teken|onderteken\\w*|goedkeur\\w*)';
const INSTEAD = '(?:on behalf|instead|in place|in my place|in (?:his|her|their) place|in the name|anstelle|im namen|a la place|au nom|al posto|per conto|a nome|en nombre|en lugar|namens|in plaats)';
const APPROVALS = '(?:approvals?|signatures?|signing|quorum|consent|budget check|genehmigung\\w*|zustimmung|freigabe|unterschrift\\w*|approbation\\w*|accord|approvazion\\w*|firme|firmas|aprobacion\\w*|goedkeuring\\w*|handtekening\\w*)';
const SIGN_FOR_OTHERS = [
  new RegExp(`\\b${SIGN}\\b[^,;.]{0,40}\\b(?:for|as|fur|pour|por|${INSTEAD})\\b(?! me\\b)(?! myself\\b)(?! \\d)`),
  new RegExp(`\\bfirm(?:a|are|ar)\\b[^,;.]{0,30}\\b${INSTEAD}\\b`),
  new RegExp(`\\b(?:skip|bypass|circumvent|ignore|forge|fake|no|without|avoid|override|uberspring\\w*|umgeh\\w*|ohne|keine|falsch\\w*|sans|contourne\\w*|senza|salta\\w*|sin|zonder|omzeil\\w*|omite)\\b[^,;.]{0,25}\\b${APPROVALS}\\b`),
  /\b(?:skip|bypass|circumvent|ignore|override|without asking|do not ask|don ['’] t ask)\b[^,;.]{0,20}\b(?:legal|budget|it expert|stakeholders?|auditors?)\b/,
];
const END = '(?:delete|deletes|remove|destroy|wipe|erase|cancel|kill|shut down|stop|take over|hijack|losch\\w*|loesch\\w*|entfern\\w*|zerstor\\w*|supprim\\w*|efface\\w*|detrui\\w*|cancella\\w*|elimina\\w*|distrugg\\w*|borra\\w*|destru\\w*|verwijder\\w*|wis)';
const ALL_OF_THEM = '(?:all|alle|aller|tous les|toutes les|tutti gli|tutte le|todos los|todas las) (?:the |other )?(?:archiv\\w*|archie[fv]\\w*|deploy\\w*|contract\\w*|contrat\\w*|vertr\\w*|workloads?|nodes?|knoten)';
const OTHERS = [
  new RegExp(`\\b${END}\\b[^,;.]{0,40}\\b(?:others?|another|someone|somebody|everyone|everybody|competitors?|colleagues?|his|her|their|anderen?r?|fremde\\w*|autres?|altri|altrui|otros?|otras?|${ALL_OF_THEM})\\b`),
  new RegExp(`\\b${END}\\b[^,;.]{0,30}\\b\\p{L}+ ?['’] ?s \\p{L}+`, 'u'),
  // Only as what is asked for first: `cancella l'archivio di Maria`, not `… delete after a retention of …`.
  new RegExp(`^(?:\\S+ ){0,3}${END}\\b[^,;.]{0,30}\\b(?:von|de|di|van|of) (?!\\d|my\\b|mine\\b|mon\\b|mi\\b|mijn\\b|mir\\b)\\p{L}+`, 'u'),
];
const KEYS = /\b(?:private keys?|secret keys? of|seed phrase|mnemonic|master key|privaten? schlussel|cle privee|cles privees|chiave privata|chiavi private|clave privada|claves privadas|prive sleutel)\b/;
const NO_ENCRYPTION = /\b(?:without|disable|turn off|no|switch off|ohne|sans|senza|sin|zonder) (?:any )?(?:encryption|verschlusselung|chiffrement|cifratura|crittografia|cifrado|versleuteling)\b/;
const DENIAL = /\b(?:no|not|never|nobody|none|without|can ?t|cannot|kein\w*|nicht|niemand|ohne|pas|sans|aucun\w*|personne|non|senza|nessun\w*|sin|ningun\w*|nadie|niet|geen|zonder)\b[^,.;]{0,30}$/;

/** Asks for what no contract can give: a way in, a signature in another's name, an end to others' work, a private key. */
export function findUnsafe(request: Request): Unsafe | undefined {
  const said = request.tokens.map((token) => token.norm).join(' ');
  // What is denied (`nobody may log in`, `no one deletes another's data`) holds anyway.
  const asks = (pattern: RegExp): boolean => {
    const match = pattern.exec(said);
    return match !== null && !DENIAL.test(said.slice(0, match.index));
  };
  if (asks(ACCESS)) return { message: 'nobody can log in to what runs here, administrators included', hint: 'say what should run and what it should do; it is deployed and disconnected' };
  if (SIGN_FOR_OTHERS.some((pattern) => pattern.test(said))) return { message: 'nobody signs for another, and no signature is skipped', hint: 'ask without it: each stakeholder named in the contract is asked to sign' };
  if (asks(KEYS)) return { message: 'private keys never leave the place where they are kept', hint: 'ask for what should run; credentials are given out when it does' };
  if (NO_ENCRYPTION.test(said)) return { message: 'encryption cannot be turned off', hint: 'ask without it' };
  if (OTHERS.some(asks)) return { message: 'what others run can only be ended by those whom its contract names', hint: 'to end what is yours: 3bot contract cancel ID' };
  return undefined;
}
