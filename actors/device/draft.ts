import type { CommandChange, CommandRecord } from '../../contracts/commands.ts';
import type { Output } from '../../contracts/downlinks.ts';
import type { DeviceEvent } from '../../contracts/events.ts';
import type { SessionChange } from '../../contracts/sessions.ts';
import { type Effects, noEffects } from '../../contracts/store.ts';
import type { TwinChange } from '../../contracts/twins.ts';
import type { Outcome } from '../../contracts/uplinks.ts';

const NOTHING: readonly never[] = [];

/** What one message makes of a device, while it is being gathered. Telemetry needs none of this. */
export class Draft {
  session: SessionChange | null = null;
  twin: TwinChange | null = null;
  readonly events: DeviceEvent[] = [];
  readonly outputs: Output[] = [];
  readonly #commands = new Map<string, CommandChange>();

  /** The command as it is now. Of several changes of one command only the last is written. */
  command(record: CommandRecord, isNew: boolean): void {
    this.#commands.set(record.id, { record, isNew: isNew || this.#commands.get(record.id)?.isNew === true });
  }

  effects(tenantId: number, deviceUid: number, outcome: Outcome): Effects {
    const { session, twin, events, outputs } = this;
    const commands = this.#commands.size === 0 ? NOTHING : [...this.#commands.values()];
    return { ...noEffects(tenantId, deviceUid, outcome), session, twin, commands, events, outputs };
  }
}
