/** What must hold of twins: each change is one version, and is the patch that is stored beside it. */
import { mergePatch } from '../../actors/device/merge-patch.ts';
import type { DesiredAnswer, TwinRecord } from '../../contracts/twins.ts';
import { NO_TWIN } from '../../contracts/twins.ts';
import type { SimDevice } from './sim-device.ts';
import type { Written } from './sim-tables.ts';
import type { World } from './world.ts';

export class TwinInvariants {
  readonly #world: World;
  readonly #twins = new Map<number, TwinRecord>();
  /** Of each device the numbers of its reports that are, or were, in its twin. */
  readonly #reports = new Map<number, Set<unknown>>();

  constructor(world: World) {
    this.#world = world;
  }

  #violated(what: string): void {
    this.#world.invariants.violated('twins', what);
  }

  committed({ effects }: Written): void {
    const { twin, deviceUid, events } = effects;
    const updates = events.filter(it => it.kind === 'device.update');
    if (twin === null) {
      if (updates.length > 0) this.#violated(`an update of ${deviceUid} is told, and nothing of it is stored`);
      return;
    }
    const { record, step } = twin;
    const before = this.#twins.get(deviceUid) ?? NO_TWIN;
    const name = step.document;
    const other = name === 'reported' ? 'desired' : 'reported';
    const { document } = mergePatch(before[name].document, before[name].times, step.patch, step.atMs);
    if (step.version !== before[name].version + 1 || record[name].version !== step.version)
      this.#violated(`${name} of ${deviceUid} went from version ${before[name].version} to ${record[name].version}`);
    if (JSON.stringify(document) !== JSON.stringify(record[name].document))
      this.#violated(`${name} of ${deviceUid} is ${JSON.stringify(record)} and not what its steps say`);
    if (JSON.stringify(record[other]) !== JSON.stringify(before[other]))
      this.#violated(`${other} of ${deviceUid} was changed by a step of ${name}`);
    const [update] = updates;
    if (updates.length !== 1 || update!.data.version !== step.version || update!.data.document !== name)
      this.#violated(`version ${step.version} of ${name} of ${deviceUid} is not told as an event`);
    this.#twins.set(deviceUid, record);
    this.#note(deviceUid, record.reported.document.number);
  }

  #note(deviceUid: number, number: unknown): void {
    const known = this.#reports.get(deviceUid);
    if (known) known.add(number);
    else this.#reports.set(deviceUid, new Set([number]));
  }

  /** The device was told so. @param number of the report; 0: it has none */
  reportIsStored(device: SimDevice, number: number): void {
    const { uid } = this.#world.database.tables.find(device.address.key);
    if (number > 0 && this.#reports.get(uid)?.has(number) !== true)
      this.#world.invariants.violated('I1', `${device.name} was told that its report ${number} is stored`);
  }

  /** Who desires something was told so. */
  desired(key: string, answer: DesiredAnswer, isStale: boolean): void {
    const stored = this.#world.database.tables.find(key).twin?.desired.version ?? 0;
    if (answer.version > stored) this.#violated(`${key} was said to have version ${answer.version}, it has ${stored}`);
    if ('error' in answer ? answer.error !== 'stale_version' : isStale)
      this.#violated(`a change of what is desired of ${key} was answered with ${JSON.stringify(answer)}`);
  }
}
