/** Defects, put into the world on purpose: each has to be found, or the simulation would prove nothing. */
import type { HostParts } from '../../actors/runtime/host-parts.ts';
import type { Delivery, Downlink } from '../../contracts/downlinks.ts';
import type { OwnershipStore } from '../../contracts/ownership.ts';
import type { Store } from '../../contracts/store.ts';
import { type Batch, type Outcome, STORED } from '../../contracts/uplinks.ts';
import type { DatabaseFaults } from './sim-database.ts';
import type { SimProcess } from './sim-process.ts';
import { loadsAs, opensAgain, releasesFirst, remembersAs, storeWith, TakesFirst } from './store-mutations.ts';

export type Push = (address: string, downlinks: readonly Downlink[]) => Promise<Delivery[]>;

export type Mutation = {
  /** The invariants of which one has to be violated. */
  readonly foundBy: readonly string[];
  /** A world that has been found to show it, so that the others need not be looked at first. Any other may do. */
  readonly shownBy?: number;
  /** It shows only where something is asked of devices. */
  readonly isOfRequests?: boolean;
  readonly database?: DatabaseFaults;
  readonly host?: Pick<HostParts, 'acknowledgeBeforeCommit'>;
  readonly instanceIdIsNodeId?: boolean;
  readonly addressIsNodeId?: boolean;
  readonly store?: (store: Store & OwnershipStore, process: SimProcess) => Store & OwnershipStore;
  readonly push?: (push: Push) => Push;
  /** A front node writes to whatever connection of the device it has. */
  readonly anySessionWillDo?: boolean;
  readonly deliver?: (process: SimProcess, batch: Batch) => Promise<Outcome[]>;
};

export const NO_MUTATION: Mutation = { foundBy: [] };

export const MUTATIONS = {
  /** A transaction commits although its lane was closed. */
  'no fence': { foundBy: ['I4'], shownBy: 245, database: { fenceIsOpen: true } },
  'acknowledge before the commit': { foundBy: ['I1', 'I6'], host: { acknowledgeBeforeCommit: true } },
  /** An older run of the same node has the same name. */
  'the node id as the instance id': { foundBy: ['I3', 'I4', 'I5'], shownBy: 46, instanceIdIsNodeId: true },
  /** What is sent to one run of a node is heard by all of them, and the wrong one may answer first. */
  'the node id as the address': { foundBy: ['I2', 'I3'], shownBy: 106, addressIsNodeId: true },
  'take shards before their lanes are closed': {
    foundBy: ['I4'],
    shownBy: 270,
    database: { takeFromAnybodyClosed: true },
    store: store => new TakesFirst(store),
  },
  'answer before the commit': {
    foundBy: ['I6'],
    deliver: async (process, batch) => {
      const real = process.intake.deliver(batch);
      if (batch.uplinks.some(uplink => uplink.kind !== 'telemetry')) return real;
      real.catch(() => {});
      return batch.uplinks.map(() => STORED);
    },
  },
  /** The tables take the same datapoint, and the same messageId, as often as they come. */
  'everything is new to the tables': { foundBy: ['I2'], database: { everythingIsNew: true } },
  /** A batch that comes again is done again. */
  'do repeated batches again': {
    foundBy: ['I2'],
    deliver: (process, batch) => process.host.deliver(batch.uplinks, batch.epochs),
  },
  'let downlinks out before the commit': { isOfRequests: true, foundBy: ['I6'], store: releasesFirst },
  /** That a command was sent is only in the memory of its actor. */
  'send without storing it': { isOfRequests: true, foundBy: ['I6', 'I8'], database: { attemptsAreForgotten: true } },
  /** A push without an answer counts as not sent. */
  'take what is unknown for not sent': {
    isOfRequests: true,
    foundBy: ['I8', 'commands'],
    shownBy: 45,
    push: push => (address, downlinks) =>
      push(address, downlinks).catch(() => {
        throw Object.assign(new Error('not sent'), { type: 'unreachable' });
      }),
  },
  /** A new owner does not look for what is to be done. */
  'forget deadlines with the owner': {
    isOfRequests: true,
    foundBy: ['I12'],
    shownBy: 43,
    store: real => storeWith(real, { due: async () => ({ addresses: [], ended: [], after: null }) }),
  },
  'forget the mode with the memory': {
    isOfRequests: true,
    foundBy: ['I8'],
    shownBy: 23,
    store: remembersAs(
      () => ({ mode: 'retry' }),
      ({ mode }) => ({ mode }),
    ),
  },
  'let a late answer change an end': { isOfRequests: true, foundBy: ['I9'], store: opensAgain },
  'send more than the window allows': {
    isOfRequests: true,
    foundBy: ['I10'],
    store: loadsAs(record => ({ ...record, commandWindow: 10 })),
  },
  'forget the priority with the memory': {
    isOfRequests: true,
    foundBy: ['I10'],
    shownBy: 243,
    store: remembersAs(
      ({ priority }) => ({ priority: 3 - priority }),
      ({ priority }) => ({ priority }),
    ),
  },
  'write to a newer session': { isOfRequests: true, foundBy: ['sessions'], shownBy: 41, anySessionWillDo: true },
  'one key, two commands': { isOfRequests: true, foundBy: ['I7'], database: { keysMayRepeat: true } },
  'forget the twin with the memory': {
    isOfRequests: true,
    foundBy: ['twins'],
    store: loadsAs(record => ({ ...record, twin: null })),
  },
} satisfies Record<string, Mutation>;
