/** Reads everything that the devices of a ledger have in a database, and compares it with the ledger. */
import type { Ledger } from '../../bench/load/ack-ledger.ts';
import { type Connection, type Ids, readMessages } from '../../bench/measure/stored.ts';
import { compareDevice, Findings, type LedgerDevice } from './ledger-comparison.ts';

/** @param devices in the order of the ledger */
export async function compareStored(
  connection: Connection,
  ids: Ids,
  devices: readonly LedgerDevice[],
  ledger: Ledger,
): Promise<Findings> {
  const findings = new Findings();
  for (const [index, device] of devices.entries())
    compareDevice(device, ledger[index]!, await readMessages(connection, ids, device.deviceId), findings);
  return findings;
}
