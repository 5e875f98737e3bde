/**
 * A host with real actors over a store that keeps nothing. Each device sends one message of three values, as the system
 * would hand it over; then nothing happens any more. Run: node --expose-gc bench/idle-actors.ts <count>
 */
import { Host } from '../actors/runtime/host.ts';
import { decode } from '../adapters/codecs/index.ts';
import { systemClock, systemRandom, systemScheduler } from '../adapters/system/ports.ts';
import { deviceAddress, SHARDS } from '../contracts/addresses.ts';
import { LIMITS } from '../contracts/limits.ts';
import type { Store } from '../contracts/store.ts';
import type { Uplink } from '../contracts/uplinks.ts';
import { newRecord } from '../test/actors/device/new-actor.ts';
import type { ActorMemory } from './actors.bench.ts';

declare const gc: () => void;

const BATCH = 500;
/** Code is compiled and queues have their size before the count begins. */
const WARM_UP = 2 * BATCH;
const count = Number(process.argv[2]);
let lastUid = 0;

/** Devices that exist and have no measurements yet. */
const store: Store = {
  load: async addresses => addresses.map(() => newRecord({ deviceUid: ++lastUid })),
  due: async () => ({ addresses: [], ended: [], after: null }),
  commit: async (_lane, effects) => effects.map(() => true),
};
const host = new Host({
  store,
  decode,
  limits: { ...LIMITS, actorsMax: count + WARM_UP },
  clock: systemClock,
  scheduler: systemScheduler,
  random: systemRandom,
  onFenced: () => {},
  onDefect: error => {
    throw error;
  },
});
host.admit(Array.from({ length: SHARDS }, (_, shard) => ({ shard, epoch: 1, holder: null })));

function memory(): NodeJS.MemoryUsage {
  gc();
  gc();
  return process.memoryUsage();
}

/** Ids of a length that people use. */
const uplink = (device: number): Uplink => ({
  address: deviceAddress('default', `sensor-${String(device).padStart(8, '0')}`),
  session: 1,
  receivedAtMs: Date.now(),
  kind: 'telemetry',
  topic: 'telemetry',
  contentType: 'application/json',
  payload: Buffer.from(`{"ts":${Date.now()},"values":{"temperature":21.5,"humidity":40.25,"pressure":1013.2}}`),
});

async function deliver(from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += BATCH) {
    const size = Math.min(BATCH, to - at);
    const outcomes = await host.deliver(Array.from({ length: size }, (_, i) => uplink(at + i)));
    if (outcomes.some(it => it.state !== 'stored')) throw new Error('A message was not stored');
  }
}

host.start();
await deliver(count, count + WARM_UP);
const before = memory();
await deliver(0, count);
const after = memory();
const result: ActorMemory = { count, before, after };
process.stdout.write(JSON.stringify(result));
await host.stop();
process.exit(0);
