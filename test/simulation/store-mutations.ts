/** Stores that do something wrong on purpose. */
import { type CommandChange, type CommandRecord, isOpen } from '../../contracts/commands.ts';
import type { OwnershipStore } from '../../contracts/ownership.ts';
import type { DeviceRecord, Store } from '../../contracts/store.ts';
import type { SimProcess } from './sim-process.ts';
import type { Device } from './sim-tables.ts';

type Both = Store & OwnershipStore;

/** The same store, but for some of its methods. */
export const storeWith = (real: Both, changed: Partial<Both>): Both => ({
  load: real.load.bind(real),
  commit: real.commit.bind(real),
  due: real.due.bind(real),
  renew: real.renew.bind(real),
  view: real.view.bind(real),
  closeExpired: real.closeExpired.bind(real),
  closeLanes: real.closeLanes.bind(real),
  take: real.take.bind(real),
  transfer: real.transfer.bind(real),
  ...changed,
});

/** Actors are loaded with something else than what is stored. */
export const loadsAs =
  (change: (record: DeviceRecord, stored: Device) => DeviceRecord) =>
  (real: Both, { world }: SimProcess): Both =>
    storeWith(real, {
      load: async addresses => {
        const records = await real.load(addresses);
        return records.map((it, i) => it && change(it, world.database.tables.find(addresses[i]!.key)));
      },
    });

/** What goes out after the commit goes out before it. */
export const releasesFirst = (real: Both, process: SimProcess): Both =>
  storeWith(real, {
    commit: (lane, effects, careful) => {
      const outputs = effects.flatMap(it => it.outputs);
      process.downlinks.release(outputs.filter(it => !process.releasedEarly.has(it)));
      for (const it of outputs) process.releasedEarly.add(it);
      return real.commit(lane, effects, careful);
    },
  });

/** Actors that are loaded anew take a command for another one than it is; it is stored as what it is. */
export const remembersAs =
  (wrong: (order: CommandRecord) => Partial<CommandRecord>, right: (order: CommandRecord) => Partial<CommandRecord>) =>
  (real: Both): Both => {
    const known = new Map<string, Partial<CommandRecord>>();
    const corrected = ({ isNew, record }: CommandChange) => ({ isNew, record: { ...record, ...known.get(record.id) } });
    return storeWith(real, {
      load: async addresses =>
        (await real.load(addresses)).map(record => {
          for (const it of record?.commands ?? []) known.set(it.id, right(it));
          return record && { ...record, commands: record.commands.map(it => ({ ...it, ...wrong(it) })) };
        }),
      commit: (lane, effects, careful) =>
        real.commit(
          lane,
          effects.map(it => ({ ...it, commands: it.commands.map(corrected) })),
          careful,
        ),
    });
  };

/** A command that ended without an answer of its device is open again when its actor is loaded. */
export const opensAgain = loadsAs((record, { commands }) => ({
  ...record,
  commands: [...commands.values()]
    .filter(it => isOpen(it.state) || it.state === 'unknown')
    .map(it => (isOpen(it.state) ? it : { ...it, state: 'delivered' as const, endedAtMs: null }))
    .sort((a, b) => (a.id < b.id ? -1 : 1)),
}));

/** Closes the lanes of a dead instance only after its shards were taken, when it looks again. */
export class TakesFirst implements Store, OwnershipStore {
  readonly #real: Store & OwnershipStore;
  readonly #toClose: string[] = [];
  readonly load: Store['load'];
  readonly commit: Store['commit'];
  readonly due: Store['due'];
  readonly renew: OwnershipStore['renew'];
  readonly closeExpired: OwnershipStore['closeExpired'];
  readonly transfer: OwnershipStore['transfer'];
  readonly take: OwnershipStore['take'];

  constructor(real: Store & OwnershipStore) {
    this.#real = real;
    this.load = real.load.bind(real);
    this.commit = real.commit.bind(real);
    this.due = real.due.bind(real);
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
