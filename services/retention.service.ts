import type { Service, ServiceSchema } from 'moleculer';
import { removeEvents } from '../adapters/database/events-feed.ts';
import { call, implement } from '../contracts/contract.ts';
import { retention } from '../contracts/retention.contract.ts';
import type { Node } from './node.ts';
import { removeAged } from './retention/aged-rows.ts';
import { revokeEndedKeys } from './retention/ended-keys.ts';
import { forgetImportKeys, removeImportLines, removeImports } from './retention/imports.ts';
import { removeJobItems } from './retention/job-items.ts';
import { TwinStepRemoval } from './retention/twin-steps.ts';

const EVERY_MS = 10 * 60_000;
/** Rows of one statement: a large backlog goes in pieces, so that it holds no lock for long. */
const PIECE_ROWS = 10_000;

/** Removes what is kept for a limited time only. */
export function retentionService({ config, database, log }: Pick<Node, 'config' | 'database' | 'log'>): ServiceSchema {
  const { messageIdKeepHours, deadLetterKeepDays, idempotencyKeepHours, commandKeepDays, ...days } = config.limits;
  const kept = [
    { table: 'message_receipt', column: 'received_at', hours: messageIdKeepHours },
    { table: 'dead_letter', column: 'received_at', hours: deadLetterKeepDays * 24 },
    { table: 'dead_letter_replay', column: 'ended_at', hours: deadLetterKeepDays * 24 },
    { table: 'idempotency_key', column: 'created_at', hours: idempotencyKeepHours },
    { table: 'login', column: 'expires_at', hours: days.loginKeepDays * 24 },
    { table: 'login', column: 'revoked_at', hours: days.loginKeepDays * 24 },
    { table: 'device_key', column: 'expires_at', hours: days.deviceCredentialKeepDays * 24 },
    { table: 'device_key', column: 'revoked_at', hours: days.deviceCredentialKeepDays * 24 },
    { table: 'device_token', column: 'expires_at', hours: days.deviceCredentialKeepDays * 24 },
    // Of an open one the time is null, so it stays; of a key that works too.
    { table: 'api_key', column: 'revoked_at', hours: days.apiKeyKeepDays * 24 },
    { table: 'certificate', column: 'not_after', hours: days.certificateKeepDays * 24 },
    { table: 'command', column: 'ended_at', hours: commandKeepDays * 24 },
    { table: 'job', column: 'ended_at', hours: commandKeepDays * 24 },
  ];
  const twinSteps = new TwinStepRemoval(database, days.twinHistoryKeepDays);
  let timer: NodeJS.Timeout | undefined;

  return implement(
    retention,
    {
      async sweep() {
        const removed: Record<string, number> = {};
        removed.job_item = await inPieces(limit => removeJobItems(database, commandKeepDays, limit));
        await inPieces(limit => revokeEndedKeys(database, limit));
        for (const it of kept) {
          const count = await inPieces(limit => removeAged(database, it, limit));
          removed[it.table] = (removed[it.table] ?? 0) + count;
        }
        removed.event = await inPieces(limit => removeEvents(database, days.eventKeepDays, limit));
        removed.twin_step = await twinSteps.remove();
        removed.import_key = await inPieces(limit =>
          forgetImportKeys(database, days.importCredentialsKeepHours, limit),
        );
        removed.device_import_line = await inPieces(limit => removeImportLines(database, days.importKeepDays, limit));
        removed.device_import = await inPieces(limit => removeImports(database, days.importKeepDays, limit));
        return removed;
      },
    },
    {
      started(this: Service) {
        const sweep = () =>
          call(this.broker, retention.sweep, {}).catch(err => log.warn({ err }, 'could not remove what is too old'));
        timer = setInterval(sweep, EVERY_MS);
      },
      stopped() {
        clearInterval(timer);
      },
    },
  );
}

/** Until a piece is not full. Answers how many rows that were. */
async function inPieces(remove: (limit: number) => Promise<number>): Promise<number> {
  for (let removed = 0; ; ) {
    const count = await remove(PIECE_ROWS);
    removed += count;
    if (count < PIECE_ROWS) return removed;
  }
}
