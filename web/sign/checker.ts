import type { ContractId } from '../../contract/contract.ts';
import type { DidKey } from '../../contract/principal.ts';
import type { Progress, Reviewed } from '../ledger/review.ts';
import type { Speaker, Standing } from '../ledger/standing.ts';
import { Refused, type Refusal } from '../refusal.ts';
import type { Ask, Tell } from './messages.ts';

export interface CheckerEvents {
  onProgress(progress: Progress): void;
  onOpened(reviewed: Reviewed, milliseconds: number): void;
  onRefused(refusal: Refusal): void;
}

/** The worker that checks one contract, as the page sees it. */
export class Checker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (tell: Tell) => void; reject: (error: Refused) => void }>();
  #calls = 0;

  constructor(contract: ContractId, events: CheckerEvents) {
    this.#worker = new Worker(workerUrl(), { type: 'module' });
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Tell>) => { this.#hear(data, events); });
    this.#worker.addEventListener('error', (event) => {
      const refusal: Refusal = { ok: false, code: 'check_failed', message: `the check ended: ${event.message || 'its program could not be loaded'}`, hint: 'load the page again' };
      events.onRefused(refusal);
      for (const call of [...this.#waiting.keys()]) this.#fail(call, refusal);
    });
    this.#ask({ type: 'open', contract });
  }

  /** @throws Refused when the check has ended. */
  async speaker(key: DidKey): Promise<Speaker> {
    const told = await this.#call((call) => ({ type: 'speaker', call, key }));
    if (told.type !== 'speaker') throw new Refused('internal', `the check answered with ${told.type}`, 'load the page again');
    return told.speaker;
  }

  /** @throws Refused when the ledger could not be read on; when it is not what it was any more, after `onRefused`. */
  async refresh(): Promise<Standing> {
    const told = await this.#call((call) => ({ type: 'refresh', call }));
    if (told.type !== 'standing') throw new Refused('internal', `the check answered with ${told.type}`, 'load the page again');
    return told.standing;
  }

  end(): void {
    this.#worker.terminate();
  }

  #call(ask: (call: number) => Ask): Promise<Tell> {
    const call = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      this.#ask(ask(call));
    });
  }

  #ask(ask: Ask): void {
    this.#worker.postMessage(ask);
  }

  #hear(told: Tell, events: CheckerEvents): void {
    switch (told.type) {
      case 'progress': events.onProgress(told.progress); return;
      case 'opened': events.onOpened(told.reviewed, told.milliseconds); return;
      case 'refused': events.onRefused(told.refusal); return;
      case 'failed':
        if (told.final) events.onRefused(told.refusal);
        this.#fail(told.call, told.refusal);
        return;
      case 'speaker':
      case 'standing':
        this.#waiting.get(told.call)?.resolve(told);
        this.#waiting.delete(told.call);
    }
  }

  #fail(call: number, { code, message, hint }: Refusal): void {
    this.#waiting.get(call)?.reject(new Refused(code, message, hint));
    this.#waiting.delete(call);
  }
}

const WORKER = '/sign/worker.js';

/** Trusted Types, where the browser has them: the page's policy lets this one address be loaded as code, and no other. */
interface TrustedTypes { createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): unknown } }

function workerUrl(): string {
  const { trustedTypes } = window as { trustedTypes?: TrustedTypes };
  if (!trustedTypes) return WORKER;
  policy ??= trustedTypes.createPolicy('worker', { createScriptURL: (url) => { if (url === WORKER) return url; throw new TypeError('not a program of this page'); } });
  return policy.createScriptURL(WORKER) as string;
}
let policy: ReturnType<TrustedTypes['createPolicy']> | undefined;
