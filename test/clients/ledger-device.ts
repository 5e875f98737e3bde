/**
 * A process to be killed: carries commands out by writing their ids into a ledger, and writes down which telemetry the spool has
 * promised to keep. Arguments: url, folder, number of the run, `ring` or `no-ring`.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SkeinDevice } from '../../clients/device/skein-device.ts';
import { forgetful } from './forgetful-memory.ts';

const [url, folder, run, ring] = process.argv.slice(2) as [string, string, string, string];

async function write(_parameters: unknown, { id }: { id: string }): Promise<void> {
  const turns = Math.floor(Math.random() * 200);
  for (let turn = 0; turn < turns; turn++) await nextTurn();
  appendFileSync(join(folder, 'ledger.txt'), `${id}\n`);
  for (let turn = 0; turn < turns; turn++) await nextTurn();
}

const device = new SkeinDevice({
  url,
  folder,
  deviceId: 'd1',
  key: 'key',
  commands: { write },
  limits: { reconnectMinMs: 1, reconnectMaxMs: 10, spoolMaxBytes: 2 ** 20, spoolSegmentMaxBytes: 4096 },
  ...(ring === 'no-ring' && { commandMemory: forgetful }),
});
device.on('error', error => appendFileSync(join(folder, 'errors.txt'), `${error.message}\n`));
await device.start();
for (let n = 0; ; n++) {
  const name = Number(run) * 1e6 + n;
  // More than the server takes would only fill the spool.
  while (device.figures.spooledMessages > 50) await nextTurn();
  await device.telemetry({ n: name });
  appendFileSync(join(folder, 'resolved.txt'), `${name}\n`);
}
