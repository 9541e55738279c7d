import { Command, CommanderError } from 'commander';
import { parseFd, parsePort, parseTtl, parseWhole } from './arguments.ts';
import type { Outcome } from './output.ts';

/** The `3bot` command. Each action loads its own code, so that --help costs nothing. */

const STATE = ['--state <dir>', 'state folder of the grid (default: .3bot beside the program)'] as const;
const JSON_FLAG = ['--json', 'one JSON document on stdout; progress goes to stderr'] as const;
const ROLE = ['--role <role>', 'it-expert, legal or budget'] as const;
const AS = ['--as <name>', 'the key to sign with (default: the one here that is asked in this role)'] as const;
const YES = ['--yes', 'show it, and do not ask'] as const;
const PARAM = ['--param <k=v>', 'a parameter; repeat', (v: string, all: string[]): string[] => [...all, v], [] as string[]] as const;

const EXPLAIN = ['--explain', 'for each field: the expression, the parameters and the words that it came from'] as const;

interface Common { json?: boolean; state?: string }

async function show(flags: Common, run: () => Promise<Outcome> | Outcome): Promise<void> {
  const { present } = await import('./output.ts');
  await present(flags.json ?? false, async () => run());
}

function program(): Command {
  const root = new Command('3bot').description('Turns a sentence into a signed IT contract, and machines that obey nothing else.').version('0.1.0').showHelpAfterError('(add --help for what it takes)').exitOverride();
  // Before or after the command, because every one may meet a keystore with a passphrase.
  root.option('--unlock-fd <n>', 'read the passphrase of keystores from this inherited file descriptor', parseFd);
  root.hook('preAction', async () => {
    const { unlockFd } = root.opts<{ unlockFd?: number }>();
    if (unlockFd !== undefined) (await import('./unlock.ts')).useUnlockFd(unlockFd);
  });
  const add = (parent: Command, usage: string, description: string): Command => parent.command(usage).description(description).option(...STATE).option(...JSON_FLAG).exitOverride();

  add(root, 'up', 'start a whole grid on this machine and keep it up until Ctrl-C')
    .option('--grid <file>', 'grid file (default: grids/local.yaml)').option('--ledger <url>', 'keep the log on the Substrate chain of this node (ws://…), instead of on this machine').option('--ask <text>', 'ask this when the grid is up').option('--yes', 'confirm, and sign as the demonstration stakeholders')
    .option('--new', 'make a second one of what is there already').option('--prompt', 'then read requests from the terminal').option('--exit', 'stop the grid again when the answer is there')
    .action(async (flags: Common) => { await (await import('./commands/up.ts')).upCommand(flags); });
  add(root, 'ask <text>', 'one request, through to running').option('--yes', 'confirm, and sign as the demonstration stakeholders').option('--new', 'make a second one of what is there already')
    .action(async (text: string, flags: Common) => show(flags, async () => (await import('./commands/ask.ts')).askCommand(text, flags)));
  add(root, 'chat', 'a conversation with the running bot: ask, correct, compare, propose, follow').option('--new', 'begin a new one instead of going on with the last').option('--resume <id>', 'go on with this one, by its id or the beginning of it').option('--list', 'conversations that are kept').option('--offline', 'without the language model, where one is set')
    .action(async (flags: Common) => show(flags, async () => (await import('./commands/chat.ts')).chatCommand(flags)));
  add(root, 'understand [text]', 'what a sentence means; offline, no side effects').option('--jsonl', 'one text a line in, one JSON a line out')
    .action(async (text: string | undefined, flags: Common & { jsonl?: boolean }) => {
      const commands = await import('./commands/understand.ts');
      if (flags.jsonl) await show({}, () => commands.understandLines());
      else if (text === undefined) throw new CommanderError(2, 'missing', 'give a text, or --jsonl and texts on stdin');
      else await show(flags, () => commands.understandCommand(text));
    });
  add(root, 'plan [text]', 'the contract, price and placement; no side effects').option('--blueprint <name>', 'plan this blueprint').option(...PARAM).option(...EXPLAIN)
    .action(async (text: string | undefined, flags: Common) => show(flags, async () => (await import('./commands/plan.ts')).planCommand(text, flags)));

  const blueprint = root.command('blueprint').description('what experts write: from a first draft to what everybody on a grid can ask for').exitOverride();
  const drafts = () => import('./commands/blueprint.ts');
  const published = () => import('./commands/blueprint-ledger.ts');
  const AUTHOR = [['--keystore <name>', 'whose key signs (default: author)'], ['--as <name>', 'which of its keys (default: author)']] as const;
  const REASON = ['--reason <text>', 'why; everybody reads it'] as const;
  type Author = Common & { keystore?: string; as?: string; yes?: boolean };
  add(blueprint, 'new <name>', 'write a commented blueprint to begin with').option('--out <file>', 'default: NAME.yaml').action(async (name: string, flags: Common & { out?: string }) => show(flags, async () => (await drafts()).blueprintNew(name, flags)));
  add(blueprint, 'schema', 'the JSON Schema that editors read').option('--out <file>', 'write it there (default: standard output)').action(async (flags: Common & { out?: string }) => show(flags, async () => (await drafts()).blueprintSchemaCommand(flags)));
  add(blueprint, 'lint <file...>', 'everything that can be found without running it, with line and column').action(async (files: string[], flags: Common) => show(flags, async () => (await drafts()).blueprintLint(files)));
  add(blueprint, 'test <file>', 'its own tests and properties').action(async (file: string, flags: Common) => show(flags, async () => (await drafts()).blueprintTest(file)));
  add(blueprint, 'plan <what>', 'a file on the test market, or a published name on the running grid').option(...PARAM).option(...EXPLAIN).action(async (what: string, flags: Common & { param: string[]; explain?: boolean }) => show(flags, async () => (await drafts()).blueprintPlan(what, flags)));
  add(blueprint, 'diff <before> <after>', 'files, names or NAME@VERSION: what changed, and how far the version must go up').option('--contract <id>', 'what an update of this one would do (default: of its tests)').action(async (before: string, after: string, flags: Common & { contract?: string }) => show(flags, async () => (await drafts()).blueprintDiff(before, after, flags)));
  add(blueprint, 'publish <file>', 'lint, test, sign, and put it on the ledger').option(...AUTHOR[0]).option(...AUTHOR[1]).option('--organisation <name>', 'for this organisation alone, whose roster names the author').action(async (file: string, flags: Author & { organisation?: string }) => show(flags, async () => (await published()).blueprintPublish(file, flags)));
  add(blueprint, 'list', 'what you can use of what is published').option('--all', 'every version, also those that nobody can use').action(async (flags: Common & { all?: boolean }) => show(flags, async () => (await published()).blueprintList(flags)));
  add(blueprint, 'show <name>', 'one blueprint, or NAME@VERSION').option('--source', 'as its author wrote it').action(async (name: string, flags: Common & { source?: boolean }) => show(flags, async () => (await published()).blueprintShow(name, flags)));
  add(blueprint, 'search <words...>', 'by what people call it, in six languages').action(async (words: string[], flags: Common) => show(flags, async () => (await published()).blueprintSearch(words, flags)));
  add(blueprint, 'deprecate <version>', 'advise against NAME@VERSION; it can still be used').option(...AUTHOR[0]).option(...AUTHOR[1]).requiredOption(...REASON).option('--instead <version>', 'which version to use').action(async (version: string, flags: Author & { reason: string; instead?: string }) => show(flags, async () => (await published()).blueprintDeprecate(version, flags)));
  add(blueprint, 'yank <version>', 'take NAME@VERSION back, for good; what runs goes on').option(...AUTHOR[0]).option(...AUTHOR[1]).requiredOption(...REASON).option(...YES).action(async (version: string, flags: Author & { reason: string }) => show(flags, async () => (await published()).blueprintYank(version, flags)));

  const contract = root.command('contract').description('contracts on the ledger').exitOverride();
  const contracts = () => import('./commands/contract.ts');
  add(contract, 'list', 'all contracts').action(async (flags: Common) => show(flags, async () => (await contracts()).contractList(flags)));
  add(contract, 'show <id>', 'one contract: who signed, what runs where').action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractShow(id, flags)));
  add(contract, 'verify <id>', 'recompile it to the same id, and check every later move').action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractVerify(id, flags)));
  add(contract, 'explain <id>', 'what it means, in people\'s words, after recompiling it').action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractExplain(id, flags)));
  add(contract, 'approve <id>', 'show it, ask, and sign it as a stakeholder').option(...ROLE).option(...AS).option('--statement <text>', 'what was reviewed').option(...YES)
    .action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractApprove(id, flags)));
  add(contract, 'reject <id>', 'say no to a proposal').option(...ROLE).option(...AS).option('--reason <text>', 'why')
    .action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractReject(id, flags)));
  add(contract, 'accept <id>', 'accept how it runs, where the contract asks for that').option(...ROLE).option(...AS).option('--statement <text>', 'what was seen').option(...YES)
    .action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractAccept(id, flags)));
  add(contract, 'update <id>', 'propose the next version of what runs; takes the quorum that signed it').option(...PARAM).option(...YES)
    .action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractUpdate(id, flags)));
  add(contract, 'cancel <id>', 'sign its end; takes the quorum that started it').option(...ROLE).option(...AS).option(...YES)
    .action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractCancel(id, flags)));
  add(contract, 'withdraw <id>', 'take a proposal back').action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractWithdraw(id, flags)));

  const key = root.command('key').description('signing keys on this machine').exitOverride();
  const keys = () => import('./commands/key.ts');
  const transfer = () => import('./commands/key-transfer.ts');
  const onLedger = () => import('./commands/key-ledger.ts');
  const KEYSTORE = ['--keystore <name>', 'whose keys (default: stakeholders)'] as const;
  const NEW_PASSPHRASE = ['--passphrase-fd <n>', 'read the new passphrase from this inherited file descriptor', parseFd] as const;
  add(key, 'new <name>', 'make a key').option(...KEYSTORE).option('--protect', 'in a keystore under a passphrase').option(...NEW_PASSPHRASE)
    .action(async (name: string, flags: Common) => show(flags, async () => (await keys()).keyNew(name, flags)));
  add(key, 'list', 'all keys here; with --ledger everybody\'s, and since when they count').option(...KEYSTORE).option('--ledger', 'those on the ledger')
    .action(async (flags: Common & { ledger?: boolean }) => show(flags, async () => (flags.ledger ? (await onLedger()).keysOnLedger(flags) : (await keys()).keyList(flags))));
  add(key, 'show <name>', 'the public half: did:key, fingerprint, OpenSSH line').option(...KEYSTORE).action(async (name: string, flags: Common) => show(flags, async () => (await keys()).keyShow(name, flags)));
  add(key, 'protect', 'put a keystore under a passphrase, instead of a file').option(...KEYSTORE).option(...NEW_PASSPHRASE).action(async (flags: Common) => show(flags, async () => (await keys()).keyProtect(flags)));
  add(key, 'passphrase', 'change the passphrase of a keystore').option(...KEYSTORE).option(...NEW_PASSPHRASE).action(async (flags: Common) => show(flags, async () => (await keys()).keyPassphrase(flags)));
  add(key, 'rotate <name>', 'a new key for its owner, on the ledger and here; the old one is retired').option(...KEYSTORE).action(async (name: string, flags: Common) => show(flags, async () => (await onLedger()).keyRotate(name, flags)));
  add(key, 'revoke <name>', 'end a key that somebody else may have').option(...KEYSTORE).option('--key <did>', 'another key of the same owner (default: this one)').option('--reason <text>', 'why').option(...YES)
    .action(async (name: string, flags: Common) => show(flags, async () => (await onLedger()).keyRevoke(name, flags)));
  add(key, 'guardians <name>', 'name who may together give its owner new keys').option(...KEYSTORE).option('--guardian <who>', 'by name or id; repeat', (v: string, all: string[]) => [...all, v], [] as string[]).option('--threshold <k>', 'how many of them (default: more than half)', parseWhole).option(...YES)
    .action(async (name: string, flags: Common & { guardian: string[] }) => show(flags, async () => (await onLedger()).keyGuardians(name, flags)));
  add(key, 'recover <who>', 'as a guardian, say what somebody\'s new key is').option(...KEYSTORE).option('--as <name>', 'your key').option('--key <did>', 'the new key').option(...YES)
    .action(async (who: string, flags: Common) => show(flags, async () => (await onLedger()).keyRecover(who, flags)));
  add(key, 'import <name> <file>', 'take in an Ed25519 key (OpenSSH or PKCS#8) from a file, or - for standard input').option(...KEYSTORE).option('--passphrase-fd <n>', 'read the passphrase of that file from this inherited file descriptor', parseFd)
    .action(async (name: string, file: string, flags: Common) => show(flags, async () => (await transfer()).keyImport(name, file, flags)));
  add(key, 'export <name>', 'write a key in the form of other programs').option(...KEYSTORE).requiredOption('--format <form>', 'openssh, pkcs8 (private), did, openssh-public').option('--out <file>', 'a new file, mode 0600')
    .option('--plain', 'a private key without a passphrase').option('--force', 'a private key on the terminal').option(...NEW_PASSPHRASE)
    .action(async (name: string, flags: Common & { format: string }) => show(flags, async () => (await transfer()).keyExport(name, flags)));
  add(key, 'agent', 'hold keystores open for other commands (THREEBOT_AGENT), until Ctrl-C').option('--keystore <name>', 'hold this one; repeat (default: all with a passphrase)', (v: string, all: string[]) => [...all, v], [])
    .option('--ttl <time>', 'forget them after this time, as 30m or 8h (default: 1h)', parseTtl, parseTtl('1h')).option('--confirm', 'ask here before each use of a key')
    .action(async (flags: Common & { keystore: string[]; ttl: number }) => { await (await import('./commands/key-agent.ts')).keyAgent(flags); });

  const org = root.command('org').description('organisations: who has which role, and who agrees to changes').exitOverride();
  const orgs = () => import('./commands/org.ts');
  add(org, 'show', 'all organisations').action(async (flags: Common) => show(flags, async () => (await orgs()).orgShow(flags)));
  add(org, 'change <file>', 'set roster and governance from a JSON file').option('--as <name>', 'the organisation\'s key (default: organisation)').option(...YES).action(async (file: string, flags: Common) => show(flags, async () => (await orgs()).orgChange(file, flags)));
  add(org, 'approve <organisation> <change>', 'show the change that waits, ask, and agree to it').option(...ROLE).option('--as <name>', 'your key (default: the role\'s)').option(...YES)
    .action(async (organisation: string, change: string, flags: Common) => show(flags, async () => (await orgs()).orgApprove(organisation, change, flags)));

  const ledger = root.command('ledger').description('the log that everything rests on').exitOverride();
  const DIR = ['--dir <dir>', 'ledger folder (default: ledger/ in the state folder)'] as const;
  const URL_AND_GRID = [['--url <url>', 'ask this ledger instead of the one of the state folder; with --grid'], ['--grid <digest>', 'the grid that it must be of']] as const;
  const keeping = () => import('./commands/ledger.ts');
  add(ledger, 'serve', 'serve the ledger of a state folder until Ctrl-C').option(...DIR).option('--host <address>', 'address to listen on (default: 127.0.0.1; the API asks nobody who they are)').option('--port <n>', 'default: any free one', parsePort)
    .option('--witness <url=key>', 'ask this witness to cosign; repeat', (v: string, all: string[]) => [...all, v], [])
    .action(async (flags: Common) => show(flags, async () => (await import('./commands/ledger-serve.ts')).ledgerServe(flags)));
  add(ledger, 'verify', 'check everything on disk, offline; names the first bad entry').option(...DIR).action(async (flags: Common) => show(flags, async () => (await keeping()).ledgerVerify(flags)));
  add(ledger, 'show [entry]', 'what was said: one entry (a number, or latest), or the last ones').option('--from <n>', 'list from this entry on', parseWhole).option('--limit <n>', 'list so many (default: 20)', parseWhole).option(...URL_AND_GRID[0]).option(...URL_AND_GRID[1])
    .action(async (which: string | undefined, flags: Common) => show(flags, async () => (await import('./commands/ledger-show.ts')).ledgerShow(which, flags)));
  const proof = add(ledger, 'proof <entry>', 'that an entry is in the log, as a file that anybody can check offline').option('--out <file>', 'write it there (default: standard output)').option(...URL_AND_GRID[0]).option(...URL_AND_GRID[1])
    .action(async (which: string, flags: Common) => show(flags, async () => (await import('./commands/ledger-proof.ts')).ledgerProof(which, flags)));
  add(proof, 'check <file>', 'what a proof shows; offline').option('--grid <digest>', 'the grid that it must be of (default: that of the state folder)')
    .action(async (file: string, _: Common, command: Command) => { const flags = command.optsWithGlobals<Common>(); await show(flags, async () => (await import('./commands/ledger-proof.ts')).ledgerProofCheck(file, flags)); });
  add(ledger, 'backup <folder>', 'a verified copy, beside a running ledger').option(...DIR).action(async (to: string, flags: Common) => show(flags, async () => (await keeping()).ledgerBackup(to, flags)));
  add(ledger, 'restore <folder>', 'a ledger from a backup, when the original is gone for good').requiredOption('--to <dir>', 'ledger folder to make; it must not be there, or be empty')
    .action(async (from: string, flags: Common & { to: string }) => show(flags, async () => (await keeping()).ledgerRestore(from, flags)));
  add(ledger, 'snapshot', 'sign the state as it is now, for followers that begin there').option(...DIR).action(async (flags: Common) => show(flags, async () => (await keeping()).ledgerSnapshot(flags)));
  add(ledger, 'evidence <file>', 'what a file of evidence proves against a ledger; offline').option('--grid <digest>', 'the grid that it must be about').option('--key <did>', 'the ledger key that it must be about, for a file that does not show whose key it is').option('--log <dir>', 'folder with a copy of the log, for a file that does not hold the entries')
    .action(async (file: string, flags: Common & { grid?: string; key?: string; log?: string }) => show(flags, async () => (await import('./commands/ledger-evidence.ts')).ledgerEvidence(file, flags)));
  add(ledger, 'witness', 'cosign what a ledger shows, as long as it never contradicts itself').requiredOption('--origin <origin>', 'name of the log: 3bot/ and the grid\'s 64 hex digits').requiredOption('--ledger-key <did>', 'the key that signs its checkpoints')
    .requiredOption('--dir <dir>', 'what it must never forget, and its key').option('--key <name>', 'its key in that folder; made at the first start', 'witness').option('--name <name>', 'its name in the cosignatures (default: the key\'s)')
    .option('--host <host>', 'address to listen at', '127.0.0.1').option('--port <n>', 'default: any free one', parsePort, 0)
    .action(async (flags: Common & { key: string; name?: string; origin: string; ledgerKey: string; dir: string; host: string; port: number }) => { await (await import('./commands/ledger-witness.ts')).ledgerWitness(flags); });

  const node = root.command('node').description('the machines that run contracts').exitOverride();
  add(node, 'status', 'which nodes run, and what').action(async (flags: Common) => show(flags, async () => (await import('./commands/node.ts')).nodeStatus(flags)));
  add(node, 'run <name>', 'run one node of this state folder in the foreground').action(async (name: string, flags: Common) => show(flags, async () => {
    const exitCode = await (await import('./commands/node.ts')).nodeRun(name, flags);
    return { json: { ok: exitCode === 0 }, text: '', exitCode };
  }));

  add(root, 'mcp', 'serve editors and their models: the Model Context Protocol, on stdio or HTTP').option('--http <port>', 'Streamable HTTP on this port (0: any free one)', parsePort).option('--host <address>', 'address to listen on (default: 127.0.0.1)').option('--no-auth', 'HTTP without tokens, on loopback only')
    .option('--read-only', 'hide and refuse whatever changes anything').option('--tools <names>', 'only these tools, with commas between them').option('--allow-propose', 'propose without a yes in a form, for clients that have none').option('--max-output <n>', 'characters of one result (default: 24000)', parseWhole)
    .action(async (flags: Common & { auth: boolean }) => show(flags, async () => (await import('./commands/mcp.ts')).mcpCommand(flags)));
  add(root, 'doctor', 'what could keep 3bot from working here, and what to do about it').action(async (flags: Common) => show(flags, async () => (await import('./commands/doctor.ts')).doctorCommand(flags)));
  return root;
}

// Who reads no further (`3bot … | head`) has what they wanted.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(process.exitCode ?? 0);
  });
}

try {
  await program().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Help and version end with 0; everything else commander says is a wrong call.
  if (error.code === 'missing') process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode === 0 ? 0 : 2;
  // Who asked for JSON gets one document, whatever happens.
  if (process.exitCode === 2 && process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ ok: false, error: { code: 'usage', message: error.message, hint: 'add --help for what it takes' } })}\n`);
}
