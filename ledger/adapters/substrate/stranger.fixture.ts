import type { ApiOptions } from '@polkadot/api/types';
import type { EntrySigner } from '../../../contract/envelope.ts';
import { decodeDidKey } from '../../../contract/principal.ts';
import { blake256, fromHex, toHex } from './header.ts';

/** Somebody else on the chain, who puts into extrinsics what he likes; each call resolves when the node has taken it. */
export interface Stranger {
  remark(bytes: Uint8Array): Promise<void>;
  /** All in one utility.batchAll. */
  remarkAll(remarks: readonly Uint8Array[]): Promise<void>;
  /** In a utility.batch, whose parts may fail alone. */
  remarkNested(bytes: Uint8Array): Promise<void>;
  /** In a utility.batchAll with a call that fails. */
  remarkThenFail(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Uses the chain's library as its own documentation says, not our code. */
export async function openStranger(url: string, signer: EntrySigner): Promise<Stranger> {
  const { ApiPromise, WsProvider } = await import('@polkadot/api');
  // The library's own types differ in what may be undefined.
  const api = await ApiPromise.create({ provider: new WsProvider(url) as NonNullable<ApiOptions['provider']>, noInitWarn: true });
  const address = api.registry.createType('AccountId', decodeDidKey(signer.key)).toString();
  const { system, utility, balances } = api.tx;
  const remarkOf = (bytes: Uint8Array) => system.remarkWithEvent(toHex(bytes));
  let id = 0;
  // Counted here: while a block is being made, the node forgets what is in it.
  let nonce = (await api.query.system.account(address)).nonce.toNumber();
  const send = async (call: ReturnType<typeof remarkOf>): Promise<void> => {
    const signRaw = ({ data }: { data: string }) => {
      const payload = fromHex(data);
      // sp_runtime::generic::SignedPayload
      const message = payload.length > 256 ? blake256(payload) : payload;
      return Promise.resolve({ id: ++id, signature: toHex(Uint8Array.of(0, ...signer.sign(message))) as `0x${string}` });
    };
    const signed = await call.signAsync(address, { nonce: nonce++, signer: { signRaw } });
    await api.rpc.author.submitExtrinsic(signed);
  };
  return {
    remark: (bytes) => send(remarkOf(bytes)),
    remarkAll: (remarks) => send(utility.batchAll(remarks.map(remarkOf))),
    remarkNested: (bytes) => send(utility.batch([remarkOf(bytes)])),
    remarkThenFail: (bytes) => send(utility.batchAll([remarkOf(bytes), balances.forceTransfer(address, address, 1)])),
    close: () => api.disconnect(),
  };
}
