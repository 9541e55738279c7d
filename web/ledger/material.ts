import { type Body, checkBody, contractId, Header, MAX_BODY } from '../../contract/contract.ts';
import { namesProto } from '../../contract/canonical.ts';
import { type Digest, digestBytes } from '../../contract/digest.ts';
import { type Blueprint, parseBlueprint } from '../../knowledge/blueprint.ts';
import { MAX_DOCUMENT } from '../../knowledge/document.ts';
import { Refused } from '../refusal.ts';
import type { LedgerSource } from './source.ts';

const DISTRUST = 'do not sign it: what you were sent is not what the id stands for';

export interface Contract { readonly header: Header; readonly body: Body }

/** A contract's header and body, each held against the digest that names it. @throws Refused `contract_mismatch`, `body_mismatch`. */
export async function fetchContract(source: LedgerSource, id: Digest): Promise<Contract> {
  const raw = await source.header(id);
  const parsed = Header.safeParse(raw);
  if (!parsed.success || namesProto(raw)) throw new Refused('contract_mismatch', `what was sent for contract ${id} is no header`, DISTRUST);
  const header = parsed.data;
  const got = contractId(header);
  if (got !== id) throw new Refused('contract_mismatch', `the header that was sent is that of contract ${got}, asked for was ${id}`, DISTRUST);
  const checked = checkBody(header, await source.blob(header.bodyDigest, MAX_BODY));
  if (!checked.ok) throw new Refused(checked.code, checked.message, DISTRUST);
  return { header, body: checked.body };
}

/** The blueprint that a contract names, held against its digest. @throws Refused `blueprint_mismatch`. */
export async function fetchBlueprint(source: LedgerSource, digest: Digest): Promise<Blueprint> {
  const bytes = await source.blob(digest, MAX_DOCUMENT);
  const got = digestBytes(bytes);
  if (got !== digest) throw new Refused('blueprint_mismatch', `the blueprint that was sent has digest ${got}, the contract names ${digest}`, DISTRUST);
  const parsed = parseBlueprint(bytes);
  if (!parsed.ok) throw new Refused('blueprint_mismatch', 'the blueprint that the contract names cannot be read', DISTRUST);
  return parsed.blueprint;
}
