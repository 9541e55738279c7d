import { XMLParser } from 'fast-xml-parser';
import type { z } from 'zod';
import { Refusal } from './refusal.ts';

/** An element's content: text, nested elements in order, or a list for a repeated element. `undefined` is left out. */
export type XmlValue = string | number | boolean | undefined | XmlFields | readonly XmlValue[];
export interface XmlFields { readonly [name: string]: XmlValue }

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

export function escapeXml(text: string): string {
  // Control characters and lone CR would be changed or refused by a reader; a reference keeps them as they are.
  return text.replace(/[&<>"'\u0000-\u001f\u007f]/g, (c) => `&#${c.charCodeAt(0)};`);
}

function element(name: string, value: XmlValue): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return (value as readonly XmlValue[]).map((item) => element(name, item)).join('');
  if (typeof value === 'object') return `<${name}>${Object.entries(value).map(([k, v]) => element(k, v)).join('')}</${name}>`;
  return `<${name}>${escapeXml(String(value))}</${name}>`;
}

/** A whole document with S3's namespace on its root. */
export function xmlDocument(root: string, fields: XmlFields): string {
  const body = Object.entries(fields).map(([k, v]) => element(k, v)).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${body}</${root}>`;
}

/** An error document, which has no namespace. */
export function errorDocument(fields: XmlFields): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('Error', fields)}`;
}

const PREDEFINED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g, (whole, dec?: string, hex?: string, name?: string) => {
    if (name) return PREDEFINED[name] as string;
    const point = dec ? Number.parseInt(dec, 10) : Number.parseInt(hex ?? '', 16);
    return point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff) ? String.fromCodePoint(point) : whole;
  });
}

/**
 * Parses a request document. No DTD, so no entity is ever defined: only XML's five and character references are decoded.
 * `repeated` elements are always lists.
 */
export function parseXml<T>(text: string, schema: z.ZodType<T>, repeated: readonly string[]): T {
  if (/<!(?!--)/.test(text)) throw new Refusal('MalformedXML', 'The document holds a declaration that is not allowed');
  const parser = new XMLParser({
    ignoreAttributes: true, parseTagValue: false, trimValues: false, processEntities: false, removeNSPrefix: true,
    isArray: (name) => repeated.includes(name), tagValueProcessor: (_name, value) => unescape(value),
  });
  let tree: unknown;
  try {
    tree = parser.parse(text, true);
  } catch {
    throw new Refusal('MalformedXML', 'The document is not well-formed XML');
  }
  const parsed = schema.safeParse(tree);
  if (!parsed.success) throw new Refusal('MalformedXML', `The document is not what this request takes: ${parsed.error.issues[0]?.path.join('.') ?? ''}`);
  return parsed.data;
}
