/** What a caller says of an asset, checked; and what it refers to, looked for in the same tenant. */
import type { Transaction } from '../../adapters/database/database.ts';
import { treeFault } from '../../adapters/moleculer-db/tree.ts';
import { isDeviceId } from '../../contracts/addresses.ts';
import type { AssetCapabilities } from '../../contracts/assets.contract.ts';
import { SkeinError } from '../../contracts/errors.ts';
import { isJsonObject } from '../../contracts/json.ts';
import type { Limits } from '../../contracts/limits.ts';
import { checkJson } from '../../mixins/bounded-json.ts';
import { COMMAND_NAME_RULE, isCommandName } from '../../mixins/command-orders.ts';
import { refuseFault } from '../../mixins/tree-faults.ts';

const IMPLEMENTATION_MAX_LENGTH = 200;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export function checkInstallDate(day: string | null | undefined): void {
  if (day === null || day === undefined) return;
  const ms = DAY.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== day)
    throw invalid('installDate must be a day, as YYYY-MM-DD');
}

/** Rejects with `invalid_request` or `too_large`. */
export function checkCapabilities(said: AssetCapabilities | null | undefined, limits: Limits): void {
  if (said === undefined) return;
  if (said === null) throw invalid('capabilities must not be null');
  const { deviceTypeMaxCapabilities: most, metadataMaxBytes, valueMaxDepth } = limits;
  checkJson('capabilities', said, metadataMaxBytes, valueMaxDepth);
  const entries: [string, unknown][] = Object.entries(said);
  if (entries.length > most) throw new SkeinError('too_large', `capabilities has more than ${most} names`);
  for (const [name, it] of entries) {
    const shown = `capabilities.${name.slice(0, 100)}`;
    if (!isCommandName(name)) throw invalid(`${shown}: a name has ${COMMAND_NAME_RULE}`);
    if (!isJsonObject(it)) throw invalid(`${shown} must be an object`);
    const { implementation, configuration, ...others } = it;
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw invalid(`${shown}: ${unknown.slice(0, 100)} is not known here`);
    if (
      typeof implementation !== 'string' ||
      implementation === '' ||
      implementation.length > IMPLEMENTATION_MAX_LENGTH
    )
      throw invalid(`${shown}: implementation must be a text of 1 to ${IMPLEMENTATION_MAX_LENGTH} characters`);
    if (configuration !== undefined && !isJsonObject(configuration))
      throw invalid(`${shown}: configuration must be an object`);
  }
}

export type References = { readonly [R in 'locationId' | 'deviceId' | 'parentId']?: string | null };
type Asset = { readonly tenantId: number; readonly id: string };

/** To be done in the transaction that stores them: their keys keep them right from then on. */
export async function checkReferences(
  tx: Transaction,
  { tenantId, id }: Asset,
  { locationId = null, deviceId = null, parentId = null }: References,
  { treeMaxLevels, deviceIdMaxLength }: Limits,
): Promise<void> {
  const isId = (it: string) => isDeviceId(it, deviceIdMaxLength);
  for (const [name, it] of Object.entries({ locationId, deviceId, parentId }))
    if (it !== null && !isId(it)) throw invalid(`${name}: there is no "${it.slice(0, 100)}"`);
  const [found] = await tx.query<{ location: boolean; device: boolean }>(
    `SELECT $2::text IS NULL OR EXISTS (SELECT FROM location WHERE tenant_id = $1 AND id = $2) AS location,
       $3::text IS NULL OR EXISTS (
         SELECT FROM device WHERE tenant_id = $1 AND device_id = $3 AND state <> 'decommissioned') AS device`,
    [tenantId, locationId, deviceId],
  );
  if (!found!.location) throw invalid(`locationId: there is no "${locationId}"`);
  if (!found!.device) throw invalid(`deviceId: there is no "${deviceId}"`);
  if (parentId !== null)
    refuseFault(await treeFault(tx, 'asset', { tenantId, id, parentId }, treeMaxLevels), parentId, treeMaxLevels);
}

const invalid = (detail: string): SkeinError => new SkeinError('invalid_request', detail);
