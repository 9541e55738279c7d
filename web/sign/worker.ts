import './jitless.ts';
import { httpSource } from '../ledger/http-source.ts';
import { Review } from '../ledger/review.ts';
import { browserSignatures } from '../ledger/signatures.ts';
import { Refused, refusalOf } from '../refusal.ts';
import type { Ask, Tell } from './messages.ts';

// The whole check runs here, so that the page answers meanwhile. No key ever comes into this thread.

const source = httpSource('/sign');
const check = browserSignatures();
let review: Review | undefined;
/** One question after the other: the replay is one log. */
let queue = Promise.resolve();

function tell(message: Tell): void {
  postMessage(message);
}

async function answer(ask: Ask): Promise<void> {
  switch (ask.type) {
    case 'open': {
      const started = performance.now();
      const opening = new Review({ source, contract: ask.contract, check, onProgress: (progress) => { tell({ type: 'progress', progress }); } });
      try {
        const reviewed = await opening.open();
        review = opening;
        tell({ type: 'opened', reviewed, milliseconds: performance.now() - started });
      } catch (error) {
        tell({ type: 'refused', refusal: refusalOf(error) });
      }
      return;
    }
    case 'speaker': return reply(ask.call, (open) => ({ type: 'speaker', call: ask.call, speaker: open.speaker(ask.key) }));
    case 'refresh': return reply(ask.call, async (open) => ({ type: 'standing', call: ask.call, standing: await open.refresh() }));
  }
}

/** The check goes on after a failure, unless the log itself was wrong: else who does not answer once would end it. */
async function reply(call: number, make: (open: Review) => Tell | Promise<Tell>): Promise<void> {
  try {
    if (!review) throw new Refused('check_failed', 'the check of this contract has ended', 'load the page again');
    tell(await make(review));
  } catch (error) {
    if (review?.isSound === false) review = undefined;
    tell({ type: 'failed', call, refusal: refusalOf(error), final: review === undefined });
  }
}

addEventListener('message', ({ data }: MessageEvent<Ask>) => {
  queue = queue.then(() => answer(data));
});
