import { Command, CommanderError } from 'commander';
import type { Outcome } from './output.ts';

/** The `3bot` command. Each action loads its own code, so that --help costs nothing. */

const STATE = ['--state <dir>', 'state folder of the grid (default: .3bot beside the program)'] as const;
const JSON_FLAG = ['--json', 'one JSON document on stdout; progress goes to stderr'] as const;

interface Common { json?: boolean; state?: string }

async function show(flags: Common, run: () => Promise<Outcome> | Outcome): Promise<void> {
  const { present } = await import('./output.ts');
  await present(flags.json ?? false, async () => run());
}

function program(): Command {
  const root = new Command('3bot').description('Turns a sentence into a signed IT contract, and machines that obey nothing else.').version('0.1.0').showHelpAfterError('(add --help for what it takes)').exitOverride();
  const add = (parent: Command, usage: string, description: string): Command => parent.command(usage).description(description).option(...STATE).option(...JSON_FLAG).exitOverride();

  add(root, 'up', 'start a whole grid on this machine and keep it up until Ctrl-C')
    .option('--grid <file>', 'grid file (default: grids/local.yaml)').option('--ask <text>', 'ask this when the grid is up').option('--yes', 'confirm, and sign as the demonstration stakeholders')
    .option('--new', 'make a second one of what is there already').option('--prompt', 'then read requests from the terminal').option('--exit', 'stop the grid again when the answer is there')
    .action(async (flags: Common) => { await (await import('./commands/up.ts')).upCommand(flags); });
  add(root, 'ask <text>', 'one request, through to running').option('--yes', 'confirm, and sign as the demonstration stakeholders').option('--new', 'make a second one of what is there already')
    .action(async (text: string, flags: Common) => show(flags, async () => (await import('./commands/ask.ts')).askCommand(text, flags)));
  add(root, 'understand [text]', 'what a sentence means; offline, no side effects').option('--jsonl', 'one text a line in, one JSON a line out')
    .action(async (text: string | undefined, flags: Common & { jsonl?: boolean }) => {
      const commands = await import('./commands/understand.ts');
      if (flags.jsonl) await show({}, () => commands.understandLines());
      else if (text === undefined) throw new CommanderError(2, 'missing', 'give a text, or --jsonl and texts on stdin');
      else await show(flags, () => commands.understandCommand(text));
    });
  add(root, 'plan [text]', 'the contract, price and placement; no side effects').option('--blueprint <name>', 'plan this blueprint').option('--param <k=v>', 'a parameter of it; repeat', (v: string, all: string[]) => [...all, v], [])
    .action(async (text: string | undefined, flags: Common) => show(flags, async () => (await import('./commands/plan.ts')).planCommand(text, flags)));

  const contract = root.command('contract').description('contracts on the ledger').exitOverride();
  const contracts = () => import('./commands/contract.ts');
  add(contract, 'list', 'all contracts').action(async (flags: Common) => show(flags, async () => (await contracts()).contractList(flags)));
  add(contract, 'show <id>', 'one contract: who signed, what runs where').action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractShow(id, flags)));
  add(contract, 'verify <id>', 'recompile it to the same id, and check every later move').action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractVerify(id, flags)));
  add(contract, 'approve <id>', 'sign it as a stakeholder').option('--role <role>', 'it-expert, legal or budget').option('--statement <text>', 'what was reviewed')
    .action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractApprove(id, flags)));
  add(contract, 'cancel <id>', 'sign its end; takes the quorum that started it').option('--role <role>', 'it-expert, legal or budget')
    .action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractCancel(id, flags)));
  add(contract, 'withdraw <id>', 'take a proposal back').action(async (id: string, flags: Common) => show(flags, async () => (await contracts()).contractWithdraw(id, flags)));

  const key = root.command('key').description('signing keys on this machine').exitOverride();
  const keys = () => import('./commands/key.ts');
  const KEYSTORE = ['--keystore <name>', 'whose keys (default: stakeholders)'] as const;
  add(key, 'new <name>', 'make a key').option(...KEYSTORE).action(async (name: string, flags: Common) => show(flags, async () => (await keys()).keyNew(name, flags)));
  add(key, 'list', 'all keys').option(...KEYSTORE).action(async (flags: Common) => show(flags, async () => (await keys()).keyList(flags)));
  add(key, 'show <name>', 'the public half').option(...KEYSTORE).action(async (name: string, flags: Common) => show(flags, async () => (await keys()).keyShow(name, flags)));
  add(key, 'import <name> <file>', 'take in an Ed25519 key (PKCS#8 PEM) from a file, or - for standard input').option(...KEYSTORE)
    .action(async (name: string, file: string, flags: Common) => show(flags, async () => (await keys()).keyImport(name, file, flags)));

  const ledger = root.command('ledger').description('the log that everything rests on').exitOverride();
  add(ledger, 'verify', 'check everything on disk, offline; names the first bad entry').option('--dir <dir>', 'ledger folder (default: ledger/ in the state folder)')
    .action(async (flags: Common) => show(flags, async () => (await import('./commands/ledger.ts')).ledgerVerify(flags)));

  const node = root.command('node').description('the machines that run contracts').exitOverride();
  add(node, 'status', 'which nodes run, and what').action(async (flags: Common) => show(flags, async () => (await import('./commands/node.ts')).nodeStatus(flags)));
  add(node, 'run <name>', 'run one node of this state folder in the foreground').action(async (name: string, flags: Common) => show(flags, async () => {
    const exitCode = await (await import('./commands/node.ts')).nodeRun(name, flags);
    return { json: { ok: exitCode === 0 }, text: '', exitCode };
  }));

  add(root, 'doctor', 'what could keep 3bot from working here, and what to do about it').action(async (flags: Common) => show(flags, async () => (await import('./commands/doctor.ts')).doctorCommand(flags)));
  return root;
}

try {
  await program().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Help and version end with 0; everything else commander says is a wrong call.
  if (error.code === 'missing') process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
