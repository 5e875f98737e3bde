/** What a process with devices is told, and where its devices write down what they did. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceKind } from './command-account.ts';

export type DeviceSettings = {
  readonly kind: DeviceKind;
  /** MQTT. */
  readonly url: string;
  /** Where each device has a folder of its own, and its ledger. */
  readonly folder: string;
  readonly devices: readonly { readonly deviceId: string; readonly key: string }[];
  /** The control: devices of the library that remember no command. The run must find them out. */
  readonly forgets: boolean;
};

export const ledgerPath = (folder: string, deviceId: string): string => join(folder, `${deviceId}.ledger`);
/** The values of the desired leaf that were applied, a line each. */
export const appliedPath = (folder: string, deviceId: string): string => join(folder, `${deviceId}.applied`);

/** Resolves when the line is on the disk: so a process that is killed has done what its ledger says, and nothing else. */
export function appendLine(path: string, line: string): void {
  const file = openSync(path, 'a');
  try {
    writeSync(file, `${line}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
