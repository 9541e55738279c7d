import { startTestChain } from '../../ledger/adapters/substrate/chain.fixture.ts';

/** A chain as a process of its own, for chain.fixture.ts: says where it is, and ends with its parent. */
const chain = await startTestChain();
process.on('disconnect', () => process.exit(0));
process.send?.({ url: chain.url });
