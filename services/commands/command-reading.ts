/** Reads commands: by id, by idempotency key. Whoever has an id must look whose command it is. */
import { COMMAND_COLUMNS, type CommandRow, commandOf } from '../../adapters/database/command-rows.ts';
import type { Database } from '../../adapters/database/database.ts';
import { isUuid } from '../../contracts/addresses.ts';
import { BatchReader } from '../../mixins/batch-reader.ts';

export type StoredCommand = ReturnType<typeof commandOf>;

const SELECT = `SELECT ${COMMAND_COLUMNS} FROM command c JOIN device d ON d.device_uid = c.device_uid`;
const BATCHES = { batchMaxKeys: 500, waitingMaxKeys: 20_000, queriesUnderWay: 2 };

/** @param condition what else must be true of it, as SQL */
export const commandsById = (database: Database, condition = 'true'): BatchReader<string, StoredCommand> =>
  new BatchReader({
    ...BATCHES,
    nameOf: id => id,
    read: async ids => {
      const rows = await database.query<CommandRow>(`${SELECT} WHERE c.command_id = ANY($1::uuid[]) AND ${condition}`, [
        ids,
      ]);
      return new Map(rows.map(commandOf).map(it => [it.id, it]));
    },
  });

/** Only those that have ended: who waits asks again and again, and mostly for nothing. */
export const endedCommands = (database: Database): BatchReader<string, StoredCommand> =>
  commandsById(database, 'c.ended_at IS NOT NULL');

export type CommandKey = { readonly tenantId: number; readonly key: string };

export const commandsByKey = (database: Database): BatchReader<CommandKey, StoredCommand> =>
  new BatchReader({
    ...BATCHES,
    nameOf: ({ tenantId, key }) => `${tenantId} ${key}`,
    read: async keys => {
      const rows = await database.query<CommandRow>(
        `${SELECT} JOIN unnest($1::int[], $2::text[]) AS w (tenant_id, key)
         ON c.tenant_id = w.tenant_id AND c.idempotency_key = w.key`,
        [keys.map(it => it.tenantId), keys.map(it => it.key)],
      );
      return new Map(rows.map(commandOf).map(it => [`${it.tenantId} ${it.idempotencyKey}`, it]));
    },
  });

export const isCommandId = isUuid;
