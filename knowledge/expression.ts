import { type ASTNode, Environment, type ParseResult } from '@marcbachmann/cel-js';
import { formatBytes } from '../contract/units.ts';

/** Longest expression, in UTF-16 units. */
export const MAX_EXPRESSION = 2048;
/** Most list elements that `range` hands out in one evaluation, and most elements of a result; twice the workloads of a contract. */
export const MAX_LIST = 512;
/** Longest text that an expression may give, in UTF-16 units. */
const MAX_STRING = 4096;
const MAX_NODES = 600;
const MAX_DEPTH = 24;
/** Loops inside loops; with MAX_LIST, and no adding of lists, it bounds the steps of any evaluation. */
const MAX_LOOP_DEPTH = 2;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

const LOOPS: ReadonlySet<string> = new Set(['map', 'filter', 'all', 'exists', 'exists_one']);
/**
 * The frozen subset. Left out on purpose: `matches` (runs the host's backtracking regular expressions), timestamps and
 * durations (time zones of the host), doubles (only whole numbers are signed), `dyn` and `bind` (defeat types and bounds),
 * `join` and adding lists (grow without bound; `joined` is the bounded form).
 */
const FUNCTIONS: ReadonlySet<string> = new Set([
  ...LOOPS, 'has', 'size', 'string', 'int', 'contains', 'startsWith', 'endsWith', 'lowerAscii', 'upperAscii',
  'joined', 'range', 'ceilDiv', 'min', 'max', 'formatBytes',
]);

export type Value = string | boolean | bigint | readonly Value[] | { readonly [key: string]: Value };
/** CEL name of a type: `int`, `string`, `bool`, `list<string>`, … */
export type CelType = string;

export interface Expression {
  readonly text: string;
  readonly type: CelType;
  /** Variables the expression reads, loop variables excluded. */
  readonly reads: ReadonlySet<string>;
  evaluate(values: Readonly<Record<string, Value>>): Evaluation;
}
export type Evaluation = { readonly ok: true; readonly value: Value } | ExpressionError;
export interface ExpressionError {
  readonly ok: false;
  readonly message: string;
  /** UTF-16 offset in the expression. */
  readonly offset: number;
}

let rangeBudget = 0;

const BASE = new Environment({ limits: { maxAstNodes: MAX_NODES, maxDepth: MAX_DEPTH, maxListElements: 256, maxMapEntries: 64, maxCallArguments: 8 } })
  .registerConstant('KiB', 'int', 2n ** 10n)
  .registerConstant('MiB', 'int', 2n ** 20n)
  .registerConstant('GiB', 'int', 2n ** 30n)
  .registerFunction('range(int): list<int>', (n: bigint) => {
    if (n < 0n || n > BigInt(rangeBudget)) throw new RangeError(`range(${n}) exceeds the ${MAX_LIST} list elements an expression may make`);
    rangeBudget -= Number(n);
    return Array.from({ length: Number(n) }, (_, i) => BigInt(i));
  })
  .registerFunction('ceilDiv(int, int): int', (a: bigint, b: bigint) => {
    if (a < 0n || b <= 0n) throw new RangeError(`ceilDiv(${a}, ${b}) wants a >= 0 and b > 0`);
    return (a + b - 1n) / b;
  })
  .registerFunction('min(int, int): int', (a: bigint, b: bigint) => (a < b ? a : b))
  .registerFunction('max(int, int): int', (a: bigint, b: bigint) => (a > b ? a : b))
  .registerFunction('joined(list<string>, string): string', (items: readonly string[], separator: string) => {
    const length = items.reduce((sum, item) => sum + item.length + separator.length, 0);
    if (length > MAX_STRING) throw new RangeError(`joined() makes a text longer than ${MAX_STRING} characters`);
    return items.join(separator);
  })
  .registerFunction('formatBytes(int): string', (n: bigint) => formatBytes(n < 0n ? 0n : n));

const KEYWORDS: ReadonlySet<string> = new Set(['true', 'false', 'null', 'in', 'cel', 'dyn', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while']);

/** True for names that an author cannot give to a parameter or value: constants, types, functions and words of CEL. */
export function isReserved(name: string): boolean {
  return KEYWORDS.has(name) || FUNCTIONS.has(name) || BASE.hasVariable(name);
}

/** The variables, with their types, that expressions at one place may read. Immutable. */
export class Scope {
  readonly types: ReadonlyMap<string, CelType>;
  #environment: Environment | undefined;

  constructor(types: Iterable<readonly [string, CelType]> = []) {
    this.types = new Map(types);
  }

  /** This scope and one more variable. */
  with(name: string, type: CelType): Scope {
    return new Scope([...this.types, [name, type]]);
  }

  /** Parses and type-checks an expression of at most MAX_EXPRESSION units; never throws. */
  compile(text: string): Expression | ExpressionError {
    if (text.length > MAX_EXPRESSION) return { ok: false, message: `expression is longer than ${MAX_EXPRESSION} characters`, offset: 0 };
    let parsed: ParseResult;
    try {
      parsed = this.#cel().parse(text);
      const refusal = outsideSubset(parsed.ast, 0);
      if (refusal) return refusal;
      const checked = parsed.check();
      if (!checked.valid) return failure(checked.error);
      const sum = listSum(parsed.ast);
      if (sum) return { ok: false, message: 'only numbers and texts can be added', offset: sum.start };
      const reads = new Set([...identifiers(parsed.ast)].filter((name) => this.types.has(name)));
      const type = checked.type ?? 'dyn';
      return { text, type, reads, evaluate: (values) => evaluate(parsed, values) };
    } catch (error) {
      return failure(error);
    }
  }

  #cel(): Environment {
    if (this.#environment) return this.#environment;
    const environment = BASE.clone();
    for (const [name, type] of this.types) environment.registerVariable(name, type);
    this.#environment = environment;
    return environment;
  }
}

/** Element type of a list type; undefined when it is not a list. An empty list literal has elements of type `dyn`. */
export function elementType(type: CelType): CelType | undefined {
  const element = /^list(?:<(.+)>)?$/.exec(type);
  if (!element) return undefined;
  return element[1] === undefined || /^[A-Z]$/.test(element[1]) ? 'dyn' : element[1];
}

function evaluate(parsed: ParseResult, values: Readonly<Record<string, Value>>): Evaluation {
  rangeBudget = MAX_LIST;
  try {
    const value: unknown = parsed(values);
    return isValue(value, { left: MAX_LIST }, 0) ? { ok: true, value } : { ok: false, message: `result is not a text of at most ${MAX_STRING} characters, a whole number of 64 bits, a truth value, or a list or map of at most ${MAX_LIST} of them`, offset: 0 };
  } catch (error) {
    return failure(error);
  }
}

function isValue(value: unknown, budget: { left: number }, depth: number): value is Value {
  if (depth > 8 || budget.left-- < 0) return false;
  if (typeof value === 'string') return value.length <= MAX_STRING;
  if (typeof value === 'boolean') return true;
  if (typeof value === 'bigint') return value >= MIN_INT64 && value <= MAX_INT64;
  if (Array.isArray(value)) return value.every((item) => isValue(item, budget, depth + 1));
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every((item) => isValue(item, budget, depth + 1));
}

/** The first `+` that does not add numbers or texts. The checker leaves its types on the nodes; one without a type is refused too. */
function listSum(node: ASTNode): ASTNode | undefined {
  if (node.op === '+') {
    const type = 'checkedType' in node && typeof node.checkedType === 'object' && node.checkedType !== null && 'name' in node.checkedType ? node.checkedType.name : undefined;
    if (type !== 'int' && type !== 'string') return node;
  }
  for (const child of children(node)) {
    const found = listSum(child);
    if (found) return found;
  }
  return undefined;
}

function outsideSubset(node: ASTNode, loops: number, negated = false): ExpressionError | undefined {
  const at = (message: string): ExpressionError => ({ ok: false, message, offset: node.start });
  // The library only looks at results: `9223372036854775808 - 1` would have one.
  if (node.op === 'value' && typeof node.args === 'bigint' && node.args > (negated ? -MIN_INT64 : MAX_INT64)) return at('this whole number does not fit 64 bits');
  if (node.op === 'value' && typeof node.args !== 'string' && typeof node.args !== 'bigint' && typeof node.args !== 'boolean') return at('only whole numbers, texts and truth values may be written here');
  const call = node.op === 'call' || node.op === 'rcall' ? node.args[0] : undefined;
  if (call !== undefined && !FUNCTIONS.has(call)) return at(`${call}() is not part of the blueprint language`);
  const inside = call !== undefined && LOOPS.has(call) ? loops + 1 : loops;
  if (inside > MAX_LOOP_DEPTH) return at(`loops are nested deeper than ${MAX_LOOP_DEPTH}`);
  for (const child of children(node)) {
    const refusal = outsideSubset(child, inside, node.op === '-_');
    if (refusal) return refusal;
  }
  return undefined;
}

function children(node: ASTNode): ASTNode[] {
  const found: ASTNode[] = [];
  const visit = (item: unknown): void => {
    if (Array.isArray(item)) item.forEach(visit);
    else if (isNode(item)) found.push(item);
  };
  visit(node.args);
  return found;
}

function isNode(item: unknown): item is ASTNode {
  return typeof item === 'object' && item !== null && 'op' in item && 'args' in item;
}

function* identifiers(node: ASTNode): Generator<string> {
  if (node.op === 'id') yield node.args;
  for (const child of children(node)) yield* identifiers(child);
}

function failure(error: unknown): ExpressionError {
  const message = error instanceof Error ? ('summary' in error && typeof error.summary === 'string' ? error.summary : error.message) : 'cannot be evaluated';
  const range = error instanceof Error && 'range' in error ? error.range : undefined;
  const start = typeof range === 'object' && range !== null && 'start' in range ? range.start : undefined;
  return { ok: false, message: message.slice(0, 300), offset: typeof start === 'number' ? start : 0 };
}

/** Tells a compiled expression from a refusal. */
export function isExpression(result: Expression | ExpressionError): result is Expression {
  return !('ok' in result);
}
