import { randomBytes } from 'node:crypto';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { type Conversation, Draft, Message } from './conversation.ts';

/** What a conversation may take; what is oldest gives way. */
const MAX_CONVERSATIONS = 200;
const MAX_MESSAGES = 200;
/** Longest text kept of one message, in UTF-16 units. */
const MAX_KEPT_TEXT = 16_000;
/** Largest draft that is kept, as JSON. */
const MAX_DRAFT = 32_000;
const SCHEMA_VERSION = 1;

export const ConversationId = z.string().regex(/^[0-9a-f]{16}$/, 'expected the id of a conversation: 16 hex digits');

/** A conversation in a list. */
export interface Listed { readonly id: string; readonly begun: string; readonly used: string; readonly messages: number; readonly first: string }

/** What one turn leaves behind. */
export interface TurnEnd { readonly text: string; readonly time: string; readonly draft: Draft | undefined; readonly contract: string | undefined; readonly choices: readonly string[] | undefined }

/** Conversations in one SQLite file, durable at every turn: what was said before a power cut is there after it. */
export interface Memory {
  begin(options: { readonly time: string; readonly model: boolean }): string;
  /** Undefined when there is no such conversation. */
  load(id: string): (Conversation & { readonly model: boolean }) | undefined;
  /** Newest first. */
  list(limit?: number): Listed[];
  remove(id: string): boolean;
  hear(id: string, text: string, time: string): void;
  /** Gives the number of the reply: it grows, and no other reply has it. */
  finish(id: string, end: TurnEnd): number;
  close(): void;
}

const Row = z.object({ id: z.string(), draft: z.string().nullable(), contract: z.string().nullable(), choices: z.string().nullable(), model: z.int() });
const Turn = z.int().nullable().transform((turn) => turn ?? undefined);
const ListedRow = z.object({ id: z.string(), begun: z.string(), used: z.string(), messages: z.int(), first: z.string().nullable() });

/** Opens (or makes) the file; `:memory:` keeps nothing. @throws when it is no memory of ours, or damaged. */
export function openMemory(file: string): Memory {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  // What is forgotten is overwritten, and not only unlinked.
  db.pragma('secure_delete = ON');
  const version = z.int().parse(db.pragma('user_version', { simple: true }));
  if (version > SCHEMA_VERSION) throw new Error(`${file} was written by a newer version of 3bot`);
  db.exec(`
    CREATE TABLE IF NOT EXISTS conversations (id TEXT PRIMARY KEY, begun TEXT NOT NULL, used INTEGER NOT NULL, used_at TEXT NOT NULL, draft TEXT, contract TEXT, choices TEXT, model INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY AUTOINCREMENT, conversation TEXT NOT NULL REFERENCES conversations(id) ON DELETE CASCADE, said_by TEXT NOT NULL, text TEXT NOT NULL, time TEXT NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS messages_of ON messages (conversation, seq);
    PRAGMA user_version = ${SCHEMA_VERSION};
  `);
  const statements = {
    begin: db.prepare('INSERT INTO conversations (id, begun, used, used_at, model) VALUES (?, ?, (SELECT coalesce(max(used), 0) + 1 FROM conversations), ?, ?)'),
    forgetOldest: db.prepare('DELETE FROM conversations WHERE id IN (SELECT id FROM conversations ORDER BY used DESC LIMIT -1 OFFSET ?)'),
    one: db.prepare('SELECT id, draft, contract, choices, model FROM conversations WHERE id = ?'),
    turn: db.prepare("SELECT max(seq) FROM messages WHERE conversation = ? AND said_by = 'bot'").pluck(),
    messages: db.prepare('SELECT said_by AS "from", text, time FROM messages WHERE conversation = ? ORDER BY seq'),
    list: db.prepare(`SELECT id, begun, used_at AS used, (SELECT count(*) FROM messages WHERE conversation = id) AS messages, (SELECT text FROM messages WHERE conversation = id AND said_by = 'person' ORDER BY seq LIMIT 1) AS first FROM conversations ORDER BY conversations.used DESC LIMIT ?`),
    remove: db.prepare('DELETE FROM conversations WHERE id = ?'),
    touch: db.prepare('UPDATE conversations SET used = (SELECT max(used) + 1 FROM conversations), used_at = ? WHERE id = ?'),
    say: db.prepare('INSERT INTO messages (conversation, said_by, text, time) VALUES (?, ?, ?, ?)'),
    trim: db.prepare('DELETE FROM messages WHERE conversation = ? AND seq <= (SELECT seq FROM messages WHERE conversation = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)'),
    leave: db.prepare('UPDATE conversations SET draft = ?, contract = ?, choices = ? WHERE id = ?'),
  };
  const add = (id: string, from: Message['from'], said: { text: string; time: string }): void => {
    statements.say.run(id, from, said.text.slice(0, MAX_KEPT_TEXT).toWellFormed(), said.time);
    statements.trim.run(id, id, MAX_MESSAGES);
    statements.touch.run(said.time, id);
  };
  return {
    begin: db.transaction(({ time, model }: { time: string; model: boolean }) => {
      const id = randomBytes(8).toString('hex');
      statements.begin.run(id, time, time, model ? 1 : 0);
      statements.forgetOldest.run(MAX_CONVERSATIONS);
      return id;
    }),
    load: (id) => {
      const found = statements.one.get(id);
      if (found === undefined) return undefined;
      const row = Row.parse(found);
      return {
        id, turn: Turn.parse(statements.turn.get(id)), model: row.model === 1, contract: row.contract ?? undefined,
        messages: statements.messages.all(id).map((message) => Message.parse(message)),
        draft: row.draft === null ? undefined : keptDraft(row.draft),
        choices: row.choices === null ? undefined : z.array(z.string()).parse(JSON.parse(row.choices)),
      };
    },
    list: (limit = 50) => statements.list.all(limit).map((row) => { const { first, ...rest } = ListedRow.parse(row); return { ...rest, first: (first ?? '').slice(0, 200) }; }),
    remove: (id) => {
      const removed = statements.remove.run(id).changes > 0;
      // The log beside the file still has it, until it begins anew.
      if (removed) db.pragma('wal_checkpoint(TRUNCATE)');
      return removed;
    },
    hear: db.transaction((id: string, text: string, time: string) => { add(id, 'person', { text, time }); }),
    finish: db.transaction((id: string, end: TurnEnd) => {
      add(id, 'bot', end);
      const draft = end.draft && JSON.stringify(end.draft);
      statements.leave.run(draft !== undefined && draft.length <= MAX_DRAFT ? draft : null, end.contract ?? null, end.choices ? JSON.stringify(end.choices) : null, id);
      return z.int().parse(statements.turn.get(id));
    }),
    close: () => { db.close(); },
  };
}

/** A draft of another version of this program may have another form: then it is begun anew. */
function keptDraft(json: string): Draft | undefined {
  const parsed = Draft.safeParse(JSON.parse(json));
  return parsed.success ? parsed.data : undefined;
}
