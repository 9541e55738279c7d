import { open } from 'node:fs/promises';
import path from 'node:path';
import { inspect } from 'node:util';
import { z } from 'zod';
import type { ToolRefusal } from '../../context.ts';

const MAX_FILE = 16_384;
const MAX_KEY = 4096;

/** A key that no log, error or JSON shows: only `reveal()` gives it. */
export class Secret {
  readonly #value: string;
  constructor(value: string) { this.#value = value; }
  reveal(): string { return this.#value; }
  toString(): string { return '[secret]'; }
  toJSON(): string { return '[secret]'; }
  [inspect.custom](): string { return '[secret]'; }
}

const Loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const BaseUrl = z.url().max(500).refine((text) => {
  const url = new URL(text);
  return (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}, 'an http or https address without user, password, query or fragment');

/** What `model.json` may hold. Times in seconds. */
const File = z.strictObject({
  /** Where `/chat/completions` lies, for example `http://127.0.0.1:11434/v1`. */
  baseUrl: BaseUrl,
  /** Allows http to another machine: whoever is on the way reads and writes along. */
  plainHttp: z.boolean().default(false),
  model: z.string().min(1).max(200),
  /** File that holds the key and nothing else; relative to this one. */
  keyFile: z.string().min(1).max(1000).optional(),
  /** Environment variable that holds the key. */
  keyEnv: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/).optional(),
  /** Null for models that take none. */
  temperature: z.number().min(0).max(2).nullable().default(0),
  stream: z.boolean().default(true),
  /** Answers of the model in one turn, each of which may call tools. */
  maxSteps: z.int().min(1).max(32).default(8),
  maxAnswerTokens: z.int().min(16).max(32_000).default(1000),
  maxTurnTokens: z.int().min(500).max(2_000_000).default(60_000),
  maxConversationTokens: z.int().min(500).max(50_000_000).default(400_000),
  /** Of the conversation so far, in estimated tokens. */
  historyTokens: z.int().min(0).max(100_000).default(4000),
  /** Until the first byte of an answer; generous, since a local model may have to be loaded. */
  firstByteSeconds: z.number().min(0.05).max(600).default(30),
  /** Between two pieces of an answer. */
  idleSeconds: z.number().min(0.05).max(600).default(20),
  /** Of one turn, without what tools take. */
  turnSeconds: z.number().min(0.1).max(1800).default(120),
  /** After a lost connection, 429 or 5xx. */
  retries: z.int().min(0).max(5).default(2),
  /** A model that failed is left alone for so long. */
  restSeconds: z.number().min(0).max(3600).default(60),
}).refine((file) => file.keyFile === undefined || file.keyEnv === undefined, 'keyFile or keyEnv, not both');

export type ModelSettings = Readonly<Omit<z.infer<typeof File>, 'keyFile' | 'keyEnv' | 'plainHttp'>> & { readonly key: Secret | undefined };

export type ReadSettings = { readonly ok: true; readonly settings?: ModelSettings } | ToolRefusal;

export interface SettingsSource {
  /** `model.json` of the state folder; mode 0600, since whoever writes it says where conversations and key go. */
  readonly file: string;
  /** THREEBOT_MODEL_URL, _NAME, _KEY and _KEY_FILE stand for a file that is not there; no other variable is read unless `keyEnv` names it. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Settings of the language model; without `settings` when none is set up. Refuses what is half set up, and never repeats a key. */
export async function readModelSettings({ file, env }: SettingsSource): Promise<ReadSettings> {
  const written = await readPrivate(file, MAX_FILE);
  if (written !== undefined && typeof written !== 'string') return written;
  const raw = written === undefined ? fromEnvironment(env) : parseJson(written);
  if (raw === undefined) return { ok: true };
  const where = written === undefined ? 'THREEBOT_MODEL_…' : file;
  const parsed = File.safeParse(raw);
  if (!parsed.success) return refuse('model_settings_invalid', `${where}: ${z.prettifyError(parsed.error).replace(/\s+/g, ' ').slice(0, 500)}`, 'see docs/guides/models.md');
  const { keyFile, keyEnv, plainHttp, ...settings } = parsed.data;
  const { protocol, hostname } = new URL(settings.baseUrl);
  if (protocol === 'http:' && !Loopback.test(hostname) && !plainHttp) return refuse('model_settings_invalid', `${where}: ${hostname} is another machine, and http can be read on the way`, 'use https, or say "plainHttp": true if you trust the way there');
  const key = await readKey({ file, keyFile, keyEnv, env, given: written === undefined ? env['THREEBOT_MODEL_KEY'] : undefined });
  return key.ok ? { ok: true, settings: { ...settings, baseUrl: settings.baseUrl.replace(/\/+$/, ''), key: key.key } } : key;
}

function fromEnvironment(env: SettingsSource['env']): unknown {
  const { THREEBOT_MODEL_URL: baseUrl, THREEBOT_MODEL_NAME: model, THREEBOT_MODEL_KEY_FILE: keyFile } = env;
  if (baseUrl === undefined || baseUrl === '') return undefined;
  return { baseUrl, model, ...(keyFile !== undefined && keyFile !== '' && { keyFile: path.resolve(keyFile) }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

interface KeySource { readonly file: string; readonly keyFile: string | undefined; readonly keyEnv: string | undefined; readonly env: SettingsSource['env']; readonly given: string | undefined }

async function readKey({ file, keyFile, keyEnv, env, given }: KeySource): Promise<{ ok: true; key: Secret | undefined } | ToolRefusal> {
  if (keyFile !== undefined) {
    const place = path.resolve(path.dirname(file), keyFile);
    const text = await readPrivate(place, MAX_KEY);
    if (text === undefined) return refuse('model_key_missing', `there is no key file ${place}`, 'write the key into it, mode 0600');
    return typeof text === 'string' ? keyOf(text, place) : text;
  }
  if (keyEnv !== undefined) {
    const text = env[keyEnv];
    return text === undefined ? refuse('model_key_missing', `the environment has no ${keyEnv}`, `set ${keyEnv} where the bot is started, or use keyFile`) : keyOf(text, keyEnv);
  }
  return given === undefined || given === '' ? { ok: true, key: undefined } : keyOf(given, 'THREEBOT_MODEL_KEY');
}

function keyOf(text: string, where: string): { ok: true; key: Secret } | ToolRefusal {
  const key = text.trim();
  // What a header can carry: anything else would be repeated in an error of the HTTP client.
  return /^[\x21-\x7e]{1,4096}$/.test(key) ? { ok: true, key: new Secret(key) } : refuse('model_key_invalid', `${where} does not hold a key: one word of printable ASCII`, 'put the key alone into it');
}

/** Text of a file that is this user's alone; undefined when there is none. */
async function readPrivate(file: string, max: number): Promise<string | undefined | ToolRefusal> {
  let handle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    return refuse('model_settings_invalid', `${file} cannot be read`, 'see its owner and mode');
  }
  try {
    // Of the opened file, so that nobody can swap it between the look and the reading.
    const info = await handle.stat();
    if (!info.isFile() || info.size > max) return refuse('model_settings_invalid', `${file} is not a file of at most ${max} bytes`, 'see docs/guides/models.md');
    if ((info.mode & 0o077) !== 0 || (process.getuid !== undefined && info.uid !== process.getuid())) return refuse('model_settings_not_private', `${file} can be used by others (mode ${(info.mode & 0o777).toString(8)})`, `chmod 600 ${file}`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function refuse(code: string, message: string, hint: string): ToolRefusal {
  return { ok: false, code, message, hint };
}
