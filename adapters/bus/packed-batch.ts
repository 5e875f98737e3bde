/** Batches and outcomes between their form in a process and the one that crosses the bus. */
import { deviceAddress } from '../../contracts/addresses.ts';
import type { PackedBatch, PackedOutcomes } from '../../contracts/packed.ts';
import {
  type Batch,
  type DeadLetterReason,
  DUPLICATE,
  MOVED,
  NOT_OWNER,
  type Outcome,
  OVERLOADED,
  STORED,
  UNKNOWN,
  type Uplink,
  type UplinkKind,
} from '../../contracts/uplinks.ts';

/** Their places are what crosses the bus, between nodes of different versions too: only ever add at the end. */
const KINDS: readonly UplinkKind[] = [
  'telemetry',
  'state',
  'events',
  'ack',
  'other',
  'connected',
  'disconnected',
  'request',
  'get',
  'receiving',
  'delivered',
  'undelivered',
  'tick',
  'turn',
];
const OUTCOMES: Readonly<Record<string, Outcome>> = {
  s: STORED,
  d: DUPLICATE,
  u: UNKNOWN,
  o: OVERLOADED,
  m: MOVED,
  n: NOT_OWNER,
};
const LETTERS = new Map(Object.entries(OUTCOMES).map(([letter, { state }]) => [state, letter]));
/** Stands for an outcome that is said in full. */
const IN_FULL = '-';

/** The topic that most uplinks of a kind come by; it needs no words. */
function usualTopic(kind: UplinkKind, device: string): string {
  if (kind === 'telemetry' || kind === 'state' || kind === 'events') return `devices/${device}/${kind}`;
  if (kind === 'ack') return `devices/${device}/commands/ack`;
  return kind === 'get' ? `devices/${device}/state/get` : '';
}

export const packBatch = ({ uplinks, ...rest }: Batch): PackedBatch => ({
  ...rest,
  tenants: uplinks.map(it => it.address.tenant),
  devices: uplinks.map(it => it.address.device),
  sessions: uplinks.map(it => it.session),
  receivedAtMs: uplinks.map(it => it.receivedAtMs),
  kinds: uplinks.map(it => KINDS.indexOf(it.kind)),
  topics: uplinks.map(it => (it.topic === usualTopic(it.kind, it.address.device) ? '' : it.topic)),
  contentTypes: uplinks.map(it => it.contentType),
  payloads: uplinks.map(it => it.payload),
  refused: uplinks.flatMap(({ refused }, i) => (refused ? [[i, refused.reason, refused.detail] as const] : [])),
  ...againIn(uplinks),
});

function againIn(uplinks: readonly Uplink[]): Pick<PackedBatch, 'again'> {
  const again = uplinks.flatMap((it, i) => (it.again === undefined ? [] : [[i, it.again] as const]));
  return again.length > 0 ? { again } : {};
}

export function unpackBatch(packed: PackedBatch): Batch {
  const refused = new Map(packed.refused.map(([i, reason, detail]) => [i, { reason, detail }]));
  const again = new Map(packed.again);
  const uplinks = packed.devices.map((device, i): Uplink => {
    const kind = KINDS[packed.kinds[i]!] ?? 'other';
    const refusal = refused.get(i);
    const letter = again.get(i);
    return {
      address: deviceAddress(packed.tenants[i]!, device),
      session: packed.sessions[i]!,
      receivedAtMs: packed.receivedAtMs[i]!,
      kind,
      topic: packed.topics[i] || usualTopic(kind, device),
      contentType: packed.contentTypes[i]!,
      payload: packed.payloads[i]!,
      ...(refusal && { refused: { reason: refusal.reason as DeadLetterReason, detail: refusal.detail } }),
      ...(letter !== undefined && { again: letter }),
    };
  });
  const { instance, stream, sequence, deadlineMs, epochs } = packed;
  return { instance, stream, sequence, deadlineMs, epochs, uplinks };
}

export const isPackedBatch = (batch: Batch | PackedBatch): batch is PackedBatch => 'payloads' in batch;

export const packOutcomes = (outcomes: readonly Outcome[]): PackedOutcomes => ({
  states: outcomes.map(({ state }) => LETTERS.get(state) ?? IN_FULL).join(''),
  full: outcomes.flatMap((outcome, i) => (LETTERS.has(outcome.state) ? [] : [[i, outcome] as const])),
});

/** What can't be read says nothing, so nothing may be acknowledged for it. */
export function unpackOutcomes({ states, full }: PackedOutcomes): Outcome[] {
  const said = new Map(full);
  return Array.from(states, (letter, i) => OUTCOMES[letter] ?? said.get(i) ?? UNKNOWN);
}
