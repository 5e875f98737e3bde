/** Defects, put into the world on purpose: each has to be found, or the simulation would prove nothing. */
import type { HostParts } from '../../actors/runtime/host.ts';
import type { OwnershipStore } from '../../contracts/ownership.ts';
import type { Store } from '../../contracts/store.ts';
import { type Batch, type Outcome, STORED } from '../../contracts/uplinks.ts';
import type { DatabaseFaults } from './sim-database.ts';
import type { SimProcess } from './sim-process.ts';

export type Mutation = {
  /** The invariants of which one has to be violated. */
  readonly foundBy: readonly string[];
  readonly database?: DatabaseFaults;
  readonly host?: Pick<HostParts, 'acknowledgeBeforeCommit'>;
  readonly instanceIdIsNodeId?: boolean;
  readonly addressIsNodeId?: boolean;
  readonly store?: (store: Store & OwnershipStore) => Store & OwnershipStore;
  readonly deliver?: (process: SimProcess, batch: Batch) => Promise<Outcome[]>;
};

export const NO_MUTATION: Mutation = { foundBy: [] };

export const MUTATIONS = {
  /** A transaction commits although its lane was closed. */
  'no fence': { foundBy: ['I4'], database: { fenceIsOpen: true } },
  'acknowledge before the commit': { foundBy: ['I1', 'I6'], host: { acknowledgeBeforeCommit: true } },
  /** An older run of the same node has the same name. */
  'the node id as the instance id': { foundBy: ['I3', 'I4', 'I5'], instanceIdIsNodeId: true },
  /** What is sent to one run of a node is heard by all of them, and the wrong one may answer first. */
  'the node id as the address': { foundBy: ['I2', 'I3'], addressIsNodeId: true },
  'take shards before their lanes are closed': {
    foundBy: ['I4'],
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
} satisfies Record<string, Mutation>;

/** Closes the lanes of a dead instance only after its shards were taken, when it looks again. */
class TakesFirst implements Store, OwnershipStore {
  readonly #real: Store & OwnershipStore;
  readonly #toClose: string[] = [];
  readonly load: Store['load'];
  readonly commit: Store['commit'];
  readonly renew: OwnershipStore['renew'];
  readonly closeExpired: OwnershipStore['closeExpired'];
  readonly transfer: OwnershipStore['transfer'];
  readonly take: OwnershipStore['take'];

  constructor(real: Store & OwnershipStore) {
    this.#real = real;
    this.load = real.load.bind(real);
    this.commit = real.commit.bind(real);
    this.renew = real.renew.bind(real);
    this.closeExpired = real.closeExpired.bind(real);
    this.transfer = real.transfer.bind(real);
    this.take = real.take.bind(real);
  }

  async closeLanes(instance: string): Promise<void> {
    this.#toClose.push(instance);
  }

  async view(): ReturnType<OwnershipStore['view']> {
    for (const instance of this.#toClose.splice(0)) await this.#real.closeLanes(instance);
    return this.#real.view();
  }
}
