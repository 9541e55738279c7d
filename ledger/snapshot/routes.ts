import { Digest } from '../../contract/digest.ts';
import { type Answer, answerJson, refuseRequest } from '../http-body.ts';
import { BUSY } from '../ports.ts';
import type { SnapshotFiles } from './files.ts';

/** States that are sent at once; each may be 256 MiB long. */
const MAX_DOWNLOADS = 4;
const PATH = '/v1/snapshot';

/** `GET /v1/snapshot` (the newest offer: statement, first entry, checkpoint) and `GET /v1/snapshot/<digest>` (the state's bytes). */
export class SnapshotRoutes {
  readonly #files: SnapshotFiles | undefined;
  #downloads = 0;

  /** Without files there are none to offer. */
  constructor(files: SnapshotFiles | undefined) {
    this.#files = files;
  }

  /** The answer to a GET of this path, to be called when it is one; undefined for any other path. */
  reader(pathname: string): (() => Answer) | undefined {
    if (pathname === PATH) return () => this.#newest();
    return pathname.startsWith(`${PATH}/`) ? () => this.#state(pathname.slice(PATH.length + 1)) : undefined;
  }

  #newest(): Answer {
    const newest = this.#files?.newest();
    return newest ? answerJson({ ok: true, ...newest.offer }) : refuseRequest(404, 'snapshot_missing', 'this ledger has taken no snapshot yet', 'follow from the first entry');
  }

  #state(text: string): Answer {
    const digest = Digest.safeParse(text);
    if (!digest.success) return refuseRequest(400, 'bad_request', `expected ${PATH}/sha256:<64 hex digits>`);
    if (this.#downloads >= MAX_DOWNLOADS) return refuseRequest(503, BUSY, 'too many downloads at once', 'ask again in a moment');
    const state = this.#files?.openState(digest.data);
    if (!state) return refuseRequest(404, 'snapshot_missing', `no state ${digest.data} here`, 'ask for the newest snapshot again');
    this.#downloads += 1;
    state.content.once('close', () => { this.#downloads -= 1; });
    return { status: 200, type: 'application/octet-stream', body: state };
  }
}
