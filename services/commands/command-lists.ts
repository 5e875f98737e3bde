/** Pages of commands. */
import { type CommandRow, commandOf } from '../../adapters/database/command-rows.ts';
import type { Database } from '../../adapters/database/database.ts';
import { isDeviceId } from '../../contracts/addresses.ts';
import type { CommandView } from '../../contracts/commands.contract.ts';
import type { Page } from '../../contracts/devices.contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import { cursorOf, pageOf, pageSize, positionOf, UUID_POSITION } from '../../mixins/cursors.ts';
import { readPieces } from '../../mixins/pieces.ts';
import { unknownDevice } from '../../mixins/unknown-device.ts';
import { type CommandFilter, type ListedRow, listCommands } from './command-listing.ts';
import { commandView } from './command-views.ts';

type Asked = Omit<CommandFilter, 'endedBadly' | 'deviceUid' | 'within'> & {
  readonly deviceId?: string;
  readonly limit?: number;
  readonly cursor?: string;
};

type Narrowing = {
  /** Null: there is no such device. */
  readonly deviceUid?: number | null;
  readonly endedBadly?: boolean;
  readonly within?: string | null;
};

/** Everything of a command but its parameters and its answer; and one transition. */
const ROW_BYTES = 1_000;
const TRANSITION_BYTES = 150;

export function commandLists(database: Database, limits: Limits) {
  const { commandParametersMaxBytes, commandAnswerMaxBytes, commandMaxTransitions, commandScanMaxRows } = limits;
  const rowMaxBytes =
    commandParametersMaxBytes + commandAnswerMaxBytes + commandMaxTransitions * TRANSITION_BYTES + ROW_BYTES;

  const page = async (
    name: string,
    tenantId: number,
    asked: Asked,
    { deviceUid, endedBadly = false, within = null }: Narrowing,
  ): Promise<Page<CommandView>> => {
    const { limit, cursor, deviceId, state, command, jobId } = asked;
    const list = [name, tenantId, deviceId, state, command, jobId];
    const size = pageSize(limit, limits);
    const [first] = positionOf<readonly [string]>(list, cursor, UUID_POSITION) ?? [];
    if (deviceUid === null) return { items: [], nextCursor: null };
    const filter = { deviceUid, state, command, jobId, endedBadly, within };
    let scan = commandScanMaxRows;
    const found = await readPieces<ListedRow, string>(database, limits, size, {
      rowMaxBytes,
      bytesOf,
      read: async (last, most) => {
        scan -= last?.looked ?? 0;
        return listCommands(database, tenantId, filter, last?.command_id ?? first, most, Math.max(1, scan));
      },
    });
    const view = (row: CommandRow) => commandView(commandOf(row));
    const shown = pageOf(list, found.rows, found.size, view, row => [row.command_id]);
    return found.reach === undefined ? shown : { ...shown, nextCursor: cursorOf(list, [found.reach]) };
  };

  return {
    /** `within`: as `limitOf` says it. */
    async page(
      name: string,
      tenantId: number,
      asked: Asked,
      within: string | null,
      endedBadly = false,
    ): Promise<Page<CommandView>> {
      const { deviceId } = asked;
      const deviceUid = (deviceId ?? null) === null ? undefined : await uidOf(database, limits, tenantId, deviceId!);
      return page(name, tenantId, asked, { deviceUid, endedBadly, within });
    },

    /** Rejects with `not_found` when there is no such device. */
    async ofDevice(tenantId: number, asked: Asked & { readonly deviceId: string }): Promise<Page<CommandView>> {
      const deviceUid = await uidOf(database, limits, tenantId, asked.deviceId);
      if (deviceUid === null) throw unknownDevice(asked.deviceId);
      return page('commands of a device', tenantId, asked, { deviceUid });
    },
  };
}

const bytesOf = ({ parameters_json, result, error, transitions }: CommandRow): number =>
  ROW_BYTES +
  parameters_json.length +
  (result?.length ?? 0) +
  (error?.length ?? 0) +
  transitions.length * TRANSITION_BYTES;

async function uidOf(
  database: Database,
  { deviceIdMaxLength }: Limits,
  tenantId: number,
  id: string,
): Promise<number | null> {
  if (!isDeviceId(id, deviceIdMaxLength)) return null;
  const [row] = await database.query<{ device_uid: number }>(
    'SELECT device_uid FROM device WHERE tenant_id = $1 AND device_id = $2',
    [tenantId, id],
  );
  return row?.device_uid ?? null;
}
