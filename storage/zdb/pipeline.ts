import type { Duplex } from 'node:stream';
import { errorOfReply, ZdbError } from './client-error.ts';
import { MAX_VALUE_BYTES } from './record.ts';
import { RespParser, type RespLimits } from './resp-parser.ts';
import { encodeResp, isError, type Resp } from './resp.ts';

const LIMITS: RespLimits = {
  arrayItems: 1024,
  bulkBytes: MAX_VALUE_BYTES,
  messageBytes: 40 * 1024 * 1024,
  depth: 3,
};

export interface Request {
  readonly args: readonly (Buffer | string)[];
  /** When the request gives up, on the clock of `performance.now()`. */
  readonly deadline: number;
  readonly resolve: (reply: Resp) => void;
  readonly reject: (error: ZdbError) => void;
}

/**
 * One stream to a server: requests are written at once, replies matched in order. When the stream ends, breaks
 * the protocol, or lets a deadline pass, it is destroyed and every request on it is rejected as unavailable.
 */
export class Pipeline {
  private readonly parser = new RespParser(LIMITS);
  private readonly sent: Request[] = [];
  private timer: NodeJS.Timeout | undefined;
  private corked = false;
  private dead = false;

  constructor(
    private readonly stream: Duplex,
    private readonly onDead: () => void,
  ) {
    stream.on('data', (chunk: Buffer) => this.receive(chunk));
    stream.on('error', (error) => this.die('stream failed', error));
    stream.on('end', () => this.die('stream ended'));
    stream.on('close', () => this.die('stream closed'));
  }

  send(request: Request): void {
    if (this.dead) return request.reject(new ZdbError('unavailable', 'stream closed'));
    this.sent.push(request);
    this.cork();
    for (const part of encodeResp(request.args)) this.stream.write(part);
    this.watch();
  }

  /** Destroys the stream and rejects what is pending. */
  die(reason: string, cause?: unknown): void {
    if (this.dead) return;
    this.dead = true;
    clearTimeout(this.timer);
    this.stream.destroy();
    this.onDead();
    for (const request of this.sent.splice(0)) request.reject(new ZdbError('unavailable', reason, { cause }));
  }

  private receive(chunk: Buffer): void {
    let replies: Resp[];
    try {
      replies = this.parser.push(chunk);
    } catch (error) {
      return this.die('server broke the protocol', error);
    }
    for (const reply of replies) {
      const request = this.sent.shift();
      if (!request) return this.die('server sent a reply that nothing asked for');
      if (isError(reply)) request.reject(errorOfReply(reply.error));
      else request.resolve(reply);
    }
  }

  private cork(): void {
    if (this.corked) return;
    this.corked = true;
    this.stream.cork();
    process.nextTick(() => {
      this.corked = false;
      this.stream.uncork();
    });
  }

  /** Looks at the first deadline when it is due; replies come in order, so a stuck one holds up all behind it. */
  private watch(): void {
    if (this.timer || this.dead) return;
    const first = this.sent.reduce((least, r) => Math.min(least, r.deadline), Infinity);
    if (first === Infinity) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const now = performance.now();
      if (this.sent.some((r) => r.deadline <= now)) this.die('server did not answer in time');
      else this.watch();
    }, Math.max(1, first - performance.now()));
    this.timer.unref();
  }
}
