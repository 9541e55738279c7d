import tseslint from 'typescript-eslint';
import { PURE_ROOMS, floors } from './scripts/lint/floors.mjs';

const impure = (name) => ({ name, message: 'A pure room is handed what it needs: no clock, randomness, timers or process.' });
const impureProperty = (object, property) => ({ object, property, message: impure('').message });

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'coverage/', '.3bot/'] },
  // A rule that is wrong is changed here, where everybody sees it, not switched off in a file.
  { linterOptions: { noInlineConfig: true } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { '3bot': { rules: { floors } } },
    rules: {
      '3bot/floors': 'error',
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': true, 'ts-ignore': true, 'ts-nocheck': true }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Ports are asynchronous even where one adapter is not.
      '@typescript-eslint/require-await': 'off',
      'no-eval': 'error',
      'no-new-func': 'error',
      '@typescript-eslint/no-implied-eval': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', { max: 400 }],
    },
  },
  {
    files: PURE_ROOMS,
    ignores: ['**/*.{test,fixture}.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ regex: '^node:', message: 'A pure room runs in a browser as it is.' }] }],
      'no-restricted-globals': [
        'error',
        ...['process', 'performance', 'Buffer', 'setTimeout', 'setInterval', 'setImmediate', 'crypto', 'fetch', 'require'].map(impure),
      ],
      'no-restricted-properties': ['error', impureProperty('Date', 'now'), impureProperty('Math', 'random')],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: impure('').message },
        { selector: "CallExpression[callee.name='Date']", message: impure('').message },
      ],
    },
  },
  { files: ['**/*.mjs', '**/*.js'], extends: [tseslint.configs.base], rules: { 'no-unused-vars': 'error', eqeqeq: 'error', 'no-eval': 'error' } },
);
