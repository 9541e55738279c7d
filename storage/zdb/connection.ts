import type { Socket } from 'node:net';
import { COMMANDS, type Command, type CommandContext } from './commands.ts';
import { MAX_VALUE_BYTES } from './record.ts';
import { ProtocolError, RespParser, type RespLimits } from './resp-parser.ts';
import { encodeResp, errorReply, isError, type Resp } from './resp.ts';

const LIMITS: RespLimits = {
  arrayItems: 1024,
  bulkBytes: MAX_VALUE_BYTES,
  messageBytes: MAX_VALUE_BYTES + 1024 * 1024,
  depth: 1,
};
/** Bytes of commands that were read and not answered; beyond it the socket is not read. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
const MAX_WAITING_COMMANDS = 1024;
const MAX_RUNNING_READS = 4;
/** Commands that began and whose reply waits for one before it; beyond it no read starts. */
const MAX_STARTED = 32;
/** Reply bytes that the client has not taken; beyond it no command starts. */
const MAX_UNSENT_BYTES = 8 * 1024 * 1024;
/** A client that stops in the middle of a command, or does not take its replies, is dropped after this. */
const STALL_MS = 30_000;
const COMMAND_COST = 128;

interface Pending {
  readonly command: Command | undefined;
  readonly args: readonly Buffer[];
  readonly bytes: number;
  reply: Resp | undefined;
}

const FENCED = errorReply('FENCED', 'lease ended');

/**
 * One client. Commands take effect in the order sent and are answered in it: writes of a connection may be
 * under way together (the store keeps their order), a read starts when all writes before it are done.
 */
export class Connection {
  private readonly parser = new RespParser(LIMITS);
  private readonly waiting: Pending[] = [];
  private readonly unanswered: Pending[] = [];
  private waitingBytes = 0;
  private runningWrites = 0;
  private runningReads = 0;
  private corked = false;
  private ending = false;

  constructor(
    private readonly socket: Socket,
    private readonly context: CommandContext,
  ) {
    socket.setTimeout(STALL_MS);
    socket.on('timeout', () => {
      if (this.parser.partial || socket.writableLength > 0) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.waiting.splice(0));
    socket.on('drain', () => this.pump());
    socket.on('end', () => this.end());
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
  }

  private receive(chunk: Buffer): void {
    if (this.ending) return;
    try {
      for (const message of this.parser.push(chunk)) this.queue(message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.add({ command: undefined, args: [], bytes: COMMAND_COST, reply: errorReply('ERR', `Protocol error: ${error.message}`) });
      this.end();
    }
    this.pump();
  }

  private queue(message: Resp): void {
    const args = Array.isArray(message) && message.length > 0 && message.every((item) => Buffer.isBuffer(item)) ? message : undefined;
    if (!args) throw new ProtocolError('a command is an array of bulk strings');
    const name = args[0]?.toString('latin1', 0, 32).toUpperCase() ?? '';
    const command = COMMANDS.get(name);
    const bytes = args.reduce((sum, a) => sum + a.length, COMMAND_COST);
    this.add({ command, args: args.slice(1), bytes, reply: refusalOf(name, command, args.length - 1) });
  }

  private add(pending: Pending): void {
    this.waiting.push(pending);
    this.unanswered.push(pending);
    this.waitingBytes += pending.bytes;
  }

  /** Starts what may start, in order. */
  private pump(): void {
    for (let next = this.waiting[0]; next && this.mayStart(next); next = this.waiting[0]) {
      this.waiting.shift();
      this.start(next);
      this.answer();
    }
    this.flowControl();
  }

  private mayStart({ command, reply }: Pending): boolean {
    if (this.socket.writableLength > MAX_UNSENT_BYTES) return false;
    if (!command || reply !== undefined) return true;
    if (command.write) return true;
    const started = this.unanswered.length - this.waiting.length;
    return this.runningWrites === 0 && this.runningReads < MAX_RUNNING_READS && started < MAX_STARTED;
  }

  private start(pending: Pending): void {
    const { command } = pending;
    if (!command || pending.reply !== undefined) return;
    if (command.fenced && this.context.fence.ended) {
      pending.reply = FENCED;
      return;
    }
    const result = command.run(this.context, pending.args);
    if (!(result instanceof Promise)) {
      pending.reply = result;
      return;
    }
    this.running(command, 1);
    void result
      .catch((error: unknown) => errorReply('IOERR', error instanceof Error ? error.message : 'failed'))
      .then((reply) => {
        pending.reply = reply;
        this.running(command, -1);
        this.answer();
        this.pump();
      });
  }

  private running(command: Command, change: 1 | -1): void {
    if (command.write) this.runningWrites += change;
    else this.runningReads += change;
  }

  /** Sends the replies that are next in order. The fence counts now: time may have passed since the command ran. */
  private answer(): void {
    const { socket, unanswered } = this;
    for (let next = unanswered[0]; next && next.reply !== undefined; next = unanswered[0]) {
      unanswered.shift();
      this.waitingBytes -= next.bytes;
      if (socket.destroyed) continue;
      const late = next.command?.fenced && !isError(next.reply) && this.context.fence.ended;
      this.cork();
      for (const part of encodeResp(late ? FENCED : next.reply)) socket.write(part);
    }
    if (this.ending && unanswered.length === 0 && !socket.writableEnded) socket.end();
  }

  private cork(): void {
    if (this.corked) return;
    this.corked = true;
    this.socket.cork();
    process.nextTick(() => {
      this.corked = false;
      this.socket.uncork();
    });
  }

  private flowControl(): void {
    const full = this.waitingBytes > MAX_WAITING_BYTES || this.unanswered.length > MAX_WAITING_COMMANDS;
    if (full) this.socket.pause();
    else if (this.socket.isPaused()) this.socket.resume();
  }

  /** Takes no more commands; the socket ends when the ones before are answered. */
  private end(): void {
    this.ending = true;
    this.answer();
  }
}

function refusalOf(name: string, command: Command | undefined, count: number): Resp | undefined {
  const shown = name.replace(/[^A-Z0-9]/g, '?');
  if (!command) return errorReply('ERR', `unknown command '${shown}'`);
  const [least, most] = command.arity;
  return count < least || count > most ? errorReply('ERR', `wrong number of arguments for '${shown}'`) : undefined;
}
