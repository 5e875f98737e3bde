/** What will happen in a simulated world, as plain data: so that a plan that fails can be made smaller. */
import { LIMITS, type Limits } from '../../contracts/limits.ts';
import { type Chance, chanceOf } from './chance.ts';
import { limitsOfRequests, type RequestPlan, requestsOf, type TakingPlan, takingOf } from './request-plan.ts';

/** Shares of cases in which something small goes wrong. All 0: nothing does. */
export type Noise = {
  busLost: number;
  busDoubled: number;
  busSlow: number;
  storeFail: number;
  storeLostReply: number;
  storeSlow: number;
  frontFull: number;
};

export type DevicePlan = {
  readonly messages: number;
  /** How many of its messages it sends ahead of their acknowledgements. */
  readonly window: number;
  readonly everyMs: number;
  /** Without an acknowledgement for this long it connects anew. */
  readonly silenceMs: number;
  /** Null: it takes nothing, and leaves after its last message. */
  readonly takes: TakingPlan | null;
};

export type Fault =
  | { readonly kind: 'kill'; readonly atMs: number; readonly process: number; readonly forMs: number }
  | { readonly kind: 'stop'; readonly atMs: number; readonly process: number; readonly forMs: number }
  | { readonly kind: 'pause'; readonly atMs: number; readonly process: number; readonly forMs: number }
  /** Paused, and meanwhile another run is started under its name. */
  | { readonly kind: 'replace'; readonly atMs: number; readonly process: number; readonly forMs: number }
  | { readonly kind: 'cut-bus'; readonly atMs: number; readonly process: number; readonly forMs: number; ways: Ways }
  | { readonly kind: 'cut-store'; readonly atMs: number; readonly process: number; readonly forMs: number; ways: Ways }
  | { readonly kind: 'restart-database'; readonly atMs: number; readonly forMs: number }
  | { readonly kind: 'step-clock'; readonly atMs: number; readonly process: number; readonly byMs: number }
  | { readonly kind: 'join'; readonly atMs: number }
  /** The device connects anew while its connection is still believed in. */
  | { readonly kind: 'blip'; readonly atMs: number; readonly device: number }
  /** The row of the device is changed by somebody else. */
  | { readonly kind: 'change'; readonly atMs: number; readonly device: number };
export type Ways = 'both' | 'in' | 'out';

export type Plan = {
  readonly seed: number;
  readonly processes: number;
  readonly devices: readonly DevicePlan[];
  readonly limits: Partial<Limits>;
  readonly noise: Noise;
  readonly faults: readonly Fault[];
  readonly requests: readonly RequestPlan[];
};

export const QUIET: Noise = {
  busLost: 0,
  busDoubled: 0,
  busSlow: 0,
  storeFail: 0,
  storeLostReply: 0,
  storeSlow: 0,
  frontFull: 0,
};
const LONGEST_FAULT_MS = 25_000;
/** Around this long after its last word the shards of a process are taken. */
const TAKEOVER_MS = 16_000;
const FAULTS_BEGIN_MS = 500;
const FAULTS_END_MS = 14_000;
/** Two faults at almost one moment find more than two that are far apart. */
const CLOSE_MS = 400;

export function planOf(seed: number): Plan {
  const chance = chanceOf(seed, 'plan');
  const processes = chance.pick([1, 2, 2, 3, 3, 3, 4]);
  const devices = Array.from({ length: chance.between(2, 6) }, () => devicePlan(chance));
  const count = chance.pick([0, 1, 1, 2, 2, 3, 4, 6]);
  const faults: Fault[] = [];
  for (let i = 0; i < count; i++) faults.push(faultOf(chance, momentOf(chance, faults), processes, devices.length));
  const plan = {
    seed,
    processes,
    devices,
    limits: limitsOf(chance),
    noise: chance.happens(0.3) ? QUIET : noiseOf(chance),
    faults: faults.sort((a, b) => a.atMs - b.atMs),
    requests: [],
  };
  return seed % 2 === 0 ? plan : withRequests(plan, chanceOf(seed, 'requests'));
}

/** Every second world has commands and twins too. */
const withRequests = (plan: Plan, chance: Chance): Plan => ({
  ...plan,
  devices: plan.devices.map(device => ({ ...device, takes: takingOf(chance) })),
  limits: { ...plan.limits, ...limitsOfRequests(chance) },
  requests: requestsOf(chance, plan.devices.length),
});

export const limitsOfPlan = ({ limits }: Plan): Limits => ({ ...LIMITS, ...limits });

/** When everything that the plan breaks is whole again. */
export const healedMs = ({ faults }: Plan): number =>
  Math.max(3_000, ...faults.map(it => it.atMs + ('forMs' in it ? it.forMs : 0) + 1));

const devicePlan = (chance: Chance): DevicePlan => ({
  messages: chance.between(4, 32),
  window: chance.pick([1, 2, 4, 8]),
  everyMs: chance.pick([20, 200, 500, 500, 1_000]),
  silenceMs: chance.pick([3_000, 8_000, 25_000]),
  takes: null,
});

/** Small ones, so that limits are reached. */
const limitsOf = (chance: Chance): Partial<Limits> => ({
  lanes: chance.pick([1, 2]),
  batchesUnderWay: chance.pick([1, 2, 3, 16]),
  batchMaxMessages: chance.pick([2, 5, 5_000]),
  laneMaxDatapoints: chance.pick([3, 15_000]),
  activationQueueMessages: chance.pick([10, 1_000, 1_000]),
  ingressMaxMessages: chance.pick([16, 50_000, 50_000]),
  activationBatch: chance.pick([1, 500]),
  actorIdleSeconds: chance.pick([1, 3, 600]),
  handOffShards: chance.pick([32, 128]),
  membershipStableSeconds: chance.pick([2, 15]),
});

/** Each kind of noise is there or not; when it is, from seldom to often. */
function noiseOf(chance: Chance): Noise {
  const share = (most: number) => (chance.happens(0.5) ? 0 : most * chance.next() ** 2);
  return {
    busLost: share(0.3),
    busDoubled: share(0.5),
    busSlow: share(0.4),
    storeFail: share(0.2),
    storeLostReply: share(0.2),
    storeSlow: share(0.1),
    frontFull: share(0.3),
  };
}

function momentOf(chance: Chance, others: readonly Fault[]): number {
  if (others.length === 0 || chance.happens(0.5)) return chance.between(FAULTS_BEGIN_MS, FAULTS_END_MS);
  const other = chance.pick(others);
  const isAfter = 'forMs' in other && chance.happens(0.5);
  return other.atMs + (isAfter ? other.forMs : 0) + chance.between(0, CLOSE_MS);
}

function faultOf(chance: Chance, atMs: number, processes: number, devices: number): Fault {
  const process = chance.between(0, processes - 1);
  const device = chance.between(0, devices - 1);
  const forMs = Math.round(chance.pick([500, 4_000, TAKEOVER_MS, LONGEST_FAULT_MS]) * chance.span(0.1, 1));
  const ways = chance.pick(['both', 'both', 'in', 'out'] as const);
  const kind = chance.pick(KINDS);
  if (kind === 'restart-database') return { kind, atMs, forMs: Math.min(forMs, 5_000) };
  if (kind === 'step-clock') return { kind, atMs, process, byMs: chance.between(-2_000, 2_000) };
  if (kind === 'join') return { kind, atMs };
  if (kind === 'blip' || kind === 'change') return { kind, atMs, device };
  if (kind === 'cut-bus' || kind === 'cut-store') return { kind, atMs, process, forMs, ways };
  return { kind, atMs, process, forMs };
}

const KINDS: readonly Fault['kind'][] = [
  'kill',
  'kill',
  'stop',
  'pause',
  'pause',
  'replace',
  'cut-bus',
  'cut-bus',
  'cut-store',
  'cut-store',
  'restart-database',
  'step-clock',
  'join',
  'blip',
  'blip',
  'change',
];
