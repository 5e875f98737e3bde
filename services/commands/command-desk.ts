/** Takes requests for commands: looks at the device, its type and the idempotency key, then hands the order to the actor. */

import type { MemberPrincipal } from '../../contracts/access.contract.ts';
import { isDeviceId } from '../../contracts/addresses.ts';
import type { CommandOrder } from '../../contracts/commands.ts';
import { SkeinError } from '../../contracts/errors.ts';
import type { Ingress } from '../../contracts/uplinks.ts';
import { checkParameters, TypeCommands, UNDEFINED_COMMAND } from '../../mixins/type-commands.ts';
import { unknownDevice } from '../../mixins/unknown-device.ts';
import type { Wait, Waiters } from '../../mixins/waiters.ts';
import type { Node } from '../node.ts';
import { commandsById, commandsByKey, endedCommands, type StoredCommand } from './command-reading.ts';
import { type CommandRequest, hashOf } from './command-requests.ts';
import { OneByOne } from './one-by-one.ts';
import { type Idempotent, orderOf } from './orders.ts';
import { repeated, type Submitting, submit } from './submitting.ts';
import { type Target, targetReader } from './targets.ts';
import { endOf } from './waiting.ts';

/** `wait`: for its end, from before it was handed over. */
type Taken = { readonly command: StoredCommand; readonly wait?: Wait };
export type Patience = { readonly ms: number; onCancel(cancel: () => void): void };

export class CommandDesk {
  readonly #limits: Node['config']['limits'];
  readonly #address: string;
  readonly #waiters: Waiters;
  readonly #submitting: Submitting;
  readonly #ended: ReturnType<typeof endedCommands>;
  readonly #targets: ReturnType<typeof targetReader>;
  readonly #types: TypeCommands;
  readonly #sameKey = new OneByOne();

  constructor(
    { config, database, address }: Pick<Node, 'config' | 'database' | 'address'>,
    ingress: Ingress,
    waiters: Waiters,
  ) {
    this.#limits = config.limits;
    this.#address = address;
    this.#waiters = waiters;
    this.#submitting = { ingress, byId: commandsById(database), byKey: commandsByKey(database) };
    this.#ended = endedCommands(database);
    this.#targets = targetReader(database);
    this.#types = TypeCommands.of(database, config.limits);
  }

  find(id: string): Promise<StoredCommand | undefined> {
    return this.#submitting.byId.load(id);
  }

  /**
   * The command of this request. With an idempotency key that was used before, the one that it made.
   *
   * @param patience answer only when it has ended, or after this time
   */
  async take(
    caller: MemberPrincipal,
    request: CommandRequest,
    key?: string,
    patience?: Patience,
  ): Promise<StoredCommand> {
    const idempotent = key === undefined ? undefined : { key, hash: hashOf(request) };
    if (!isDeviceId(request.deviceId, this.#limits.deviceIdMaxLength)) throw unknownDevice(request.deviceId);
    const work = () => this.#taken(caller, request, idempotent, patience);
    // The second of two requests with one key finds the command of the first, instead of losing a race for it.
    const { command, wait } = await (key === undefined ? work() : this.#sameKey.run(`${caller.tenantId} ${key}`, work));
    if (wait === undefined) return this.#await(command, patience);
    try {
      return await this.#outcome(command, wait);
    } finally {
      wait.cancel();
    }
  }

  async #taken(
    caller: MemberPrincipal,
    request: CommandRequest,
    idempotent: Idempotent | undefined,
    patience: Patience | undefined,
  ): Promise<Taken> {
    const { tenantId } = caller;
    const { deviceId } = request;
    const [target, before] = await Promise.all([
      this.#targets.load({ tenantId, deviceId }),
      idempotent && this.#submitting.byKey.load({ tenantId, key: idempotent.key }),
    ]);
    if (target === undefined) throw unknownDevice(deviceId);
    if (before !== undefined) return { command: repeated(before, idempotent!) };
    const order = await this.#order(caller, request, target, idempotent);
    if (patience === undefined) return { command: await submit(this.#submitting, caller, deviceId, order, null) };
    return this.#submitted(caller, deviceId, order, patience);
  }

  async #order(
    caller: MemberPrincipal,
    request: CommandRequest,
    { state, type }: Target,
    idempotent: Idempotent | undefined,
  ): Promise<CommandOrder> {
    const { command, parameters } = request;
    if (state === 'decommissioned') throw new SkeinError('lifecycle_conflict', 'The device is decommissioned');
    const definition = type === undefined ? UNDEFINED_COMMAND : await this.#types.definition(type, command);
    if (definition === undefined)
      throw new SkeinError('command_unknown', `Devices of the type "${type?.name}" have no command "${command}"`);
    checkParameters(command, parameters, definition);
    return orderOf(request, definition, caller, idempotent, this.#limits);
  }

  /** Waits from before it is handed over: its end may be told before its beginning. */
  async #submitted(caller: MemberPrincipal, deviceId: string, order: CommandOrder, patience: Patience): Promise<Taken> {
    const wait = this.#waiters.wait(caller.tenantId, order.id, patience.ms);
    patience.onCancel(() => wait.cancel());
    try {
      const command = await submit(this.#submitting, caller, deviceId, order, this.#address);
      if (command.id === order.id) return { command, wait };
      wait.cancel();
      return { command };
    } catch (error) {
      wait.cancel();
      throw error;
    }
  }

  async #await(command: StoredCommand, patience: Patience | undefined): Promise<StoredCommand> {
    if (patience === undefined || command.endedAtMs !== null) return command;
    const wait = this.#waiters.wait(command.tenantId, command.id, patience.ms);
    patience.onCancel(() => wait.cancel());
    return this.#outcome(command, wait);
  }

  async #outcome(command: StoredCommand, wait: ReturnType<Waiters['wait']>): Promise<StoredCommand> {
    const ended = await endOf(wait, command.id, this.#waiters, id => this.#ended.load(id));
    if (ended !== undefined) return { ...command, ...ended };
    // It is stored, whatever becomes of looking where it is by now.
    return (await this.find(command.id).catch(() => undefined)) ?? command;
  }
}
