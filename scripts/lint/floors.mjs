// Lint rule: imports run downward only. The table is that of docs/architecture.md; tests/boundaries.test.ts derives it again from the code.
import { dirname, relative, resolve, sep } from 'node:path';

/** Folder -> folders of ours that it may import, besides itself. The cli may import everything. */
const MAY_IMPORT = {
  bot: ['knowledge', 'ledger', 'signer', 'contract'],
  knowledge: ['ledger', 'signer', 'contract'],
  'node-daemon': ['ledger', 'overlay', 'storage', 'signer', 'contract'],
  gateway: ['ledger', 'overlay', 'signer', 'contract'],
  ledger: ['signer', 'contract'],
  overlay: ['signer', 'contract'],
  signer: ['contract'],
  contract: [],
  storage: [],
  web: ['bot', 'knowledge', 'ledger', 'signer', 'contract'],
};

/** What runs in a browser as it is; web/ may import nothing else. */
export const PURE_ROOMS = [
  'contract/**/*.ts',
  'knowledge/!(library|publish).ts',
  'bot/planner/**/*.ts',
  'ledger/{merkle,checkpoint,leaf-form}.ts',
  'ledger/{merkle,checkpoint,state}/**/*.ts',
  'signer/{verify-noble,key-check}.ts',
];
/** The same as paths of modules. */
const PURE_PATHS = [
  /^contract\//,
  /^knowledge\/(?!(library|publish)\.ts$)[^/]+\.ts$/,
  /^bot\/planner\//,
  /^ledger\/((merkle|checkpoint|leaf-form)\.ts$|(merkle|checkpoint|state)\/)/,
  /^signer\/(verify-noble|key-check)\.ts$/,
];

const folderOf = (path) => path.split(sep)[0];

export const floors = {
  meta: {
    type: 'problem',
    docs: { description: 'imports run downward only' },
    schema: [],
    messages: {
      upward: '{{from}}/ may not import {{to}}/: imports run downward only (docs/architecture.md)',
      impure: 'web/ runs in a browser: {{to}} is no pure room (docs/architecture.md)',
    },
  },
  create(context) {
    const from = folderOf(relative(context.cwd, context.filename));
    const allowed = MAY_IMPORT[from];
    if (allowed === undefined) return {};
    const check = (source) => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string' || !source.value.startsWith('.')) return;
      const path = relative(context.cwd, resolve(dirname(context.filename), source.value));
      const to = folderOf(path);
      if (from === 'web' && to !== 'web' && !PURE_PATHS.some((room) => room.test(path.split(sep).join('/')))) context.report({ node: source, messageId: 'impure', data: { to: path } });
      if (to !== from && !allowed.includes(to)) context.report({ node: source, messageId: 'upward', data: { from, to } });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
    };
  },
};
