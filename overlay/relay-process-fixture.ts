import { createAgent } from './agent.ts';
import type { PeerInfo } from './identity.ts';
import { dhKeyFromPrivate } from './x25519.ts';

// A relay as a process of its own, so that tests can kill -9 and stop it. The parent sends { start } once, then { peers } on every change.
type Message = { start: { id: string; grid: string; privateKey: string; relays: string[] }; peers: PeerInfo[] } | { start?: undefined; peers: PeerInfo[] };

let peers: PeerInfo[] = [];
let refresh = (): void => undefined;
process.on('disconnect', () => process.exit());
process.on('message', (message: Message) => {
  peers = message.peers;
  refresh();
  const { start } = message;
  if (start === undefined) return;
  const key = dhKeyFromPrivate(Buffer.from(start.privateKey, 'hex'));
  const agent = createAgent({
    id: start.id, grid: start.grid, publicKey: key.publicKey, dh: (peer) => key.dh(peer), relay: true, access: () => false,
    listen: { host: '127.0.0.1', port: 0 },
    directory: {
      get: (id) => peers.find((peer) => peer.id === id),
      byKey: (overlayKey) => peers.find((peer) => peer.overlayKey === overlayKey),
      relays: () => peers.filter((peer) => start.relays.includes(peer.id)),
    },
  });
  refresh = () => agent.refresh();
  void agent.start().then(({ endpoint }) => process.send?.(endpoint));
});
