import { directoryOf } from '../ledger/directory.ts';
import { type Agent, createAgent } from '../overlay/index.ts';
import type { DaemonConfig } from './config.ts';
import type { Node } from './node.ts';
import type { Log } from './standing.ts';

export interface OverlayOptions {
  readonly access: (from: string, service: string) => boolean;
  readonly log: Log;
}

export interface StartedAgent {
  readonly agent: Agent;
  /** Absent: this node dials out only. */
  readonly endpoint: string | undefined;
}

/** Joins the overlay. With port 0 the port of the last time is tried first, so that the offer stays as it is. */
export async function startOverlay({ offer }: DaemonConfig, node: Node, o: OverlayOptions): Promise<StartedAgent> {
  const { listen } = offer;
  const last = node.follower.state().nodes[node.id]?.offer?.endpoints[0];
  const port = listen?.port === 0 && last ? Number(new URL(last).port) : (listen?.port ?? 0);
  try {
    return await start(listen && { ...listen, port });
  } catch (error) {
    if (!listen || listen.port === port) throw error;
    return start(listen);
  }

  async function start(at: { host: string; port: number } | undefined): Promise<StartedAgent> {
    const agent = createAgent({
      id: node.id, grid: node.grid, publicKey: node.overlay.publicKey, dh: (peer) => node.overlay.dh(peer),
      directory: directoryOf(() => node.follower.state()),
      ...(at && { listen: at }),
      relay: offer.relay,
      access: o.access,
      log: ({ level, event, ...facts }) => o.log(level, event, facts),
    });
    try {
      return { agent, endpoint: (await agent.start()).endpoint };
    } catch (error) {
      await agent.close();
      throw error;
    }
  }
}
