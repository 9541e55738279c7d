import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import { z } from 'zod';

type Json = Readonly<Record<string, unknown>>;

/** A schema that is shown in few tokens: what says nothing to a reader is left out, what is checked stays the same. */
export function shown<T extends z.ZodType>(schema: T): StandardSchemaWithJSON<z.input<T>, z.output<T>> {
  const standard = schema['~standard'] as StandardSchemaWithJSON<z.input<T>, z.output<T>>['~standard'];
  const convert = (io: 'input' | 'output') => (): Record<string, unknown> => slim(z.toJSONSchema(schema, { io }), io) as Record<string, unknown>;
  return { '~standard': { ...standard, jsonSchema: { input: convert('input'), output: convert('output') } } };
}

function slim(value: unknown, io: 'input' | 'output'): unknown {
  if (Array.isArray(value)) return value.map((item) => slim(item, io));
  if (typeof value !== 'object' || value === null) return value;
  const node = value as Json;
  // Of any JSON value nothing is said: the tool checks it, and recursive schemas are more than many clients can read.
  if (typeof node['$ref'] === 'string' && /^#\/\$defs\/__schema\d+$/.test(node['$ref'])) return {};
  return Object.fromEntries(Object.entries(node).flatMap(([key, item]) => (says(key, item, io) ? [[key, slim(item, io)]] : [])));
}

/** False for what every schema says, or no reader needs: of an answer the exact form of each text is not needed to read it. */
function says(key: string, item: unknown, io: 'input' | 'output'): boolean {
  if (key === '$schema' || key === '$defs' || key === 'propertyNames') return false;
  if (io === 'output' && (key === 'additionalProperties' ? item === false : key === 'pattern')) return false;
  return !((key === 'maximum' && item === Number.MAX_SAFE_INTEGER) || (key === 'minimum' && item === Number.MIN_SAFE_INTEGER));
}
