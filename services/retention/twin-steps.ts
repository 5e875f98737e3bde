/**
 * Steps of twins that nobody needs any more. A document at any time is the newest whole one before that, and the steps since: so what
 * may go is what lies before the newest whole one that is too old itself. That one stays: it is where the kept time begins.
 */
import type { Database, Row } from '../../adapters/database/database.ts';

/** Whole documents whose older steps one statement removes. Between two whole ones are some dozens of steps. */
const PIECE_WHOLES = 200;

/** A place among the whole documents that are too old. Times are microseconds since 1970. */
type Place = { readonly us: number; readonly device: number; readonly document: string; readonly version: number };
const BEGIN: Place = { us: -1, device: 0, document: '', version: 0 };

/** Where a clock went back, versions before an old whole document may be young: then a later whole document does it for them. */
const REMOVE_SQL = `
WITH wholes AS MATERIALIZED (
  SELECT device_uid, document, version, at FROM twin_step
  WHERE whole IS NOT NULL AND at < now() - $1::int4 * interval '1 day'
    AND at >= 'epoch'::timestamptz + $2::float8 * interval '1 microsecond'
    AND (at, device_uid, document, version) >
        ('epoch'::timestamptz + $2::float8 * interval '1 microsecond', $3::int8, $4::text, $5::int8)
  ORDER BY at, device_uid, document, version LIMIT $6::int4
), newest AS (
  SELECT DISTINCT ON (device_uid, document) device_uid, document, version FROM wholes ORDER BY device_uid, document, version DESC
), safe AS (
  SELECT * FROM newest
  WHERE NOT EXISTS (
    SELECT FROM twin_step step
    WHERE step.device_uid = newest.device_uid AND step.document = newest.document
      AND step.version < newest.version AND step.at >= now() - $1::int4 * interval '1 day')
), removed AS (
  DELETE FROM twin_step USING safe
  WHERE twin_step.device_uid = safe.device_uid AND twin_step.document = safe.document AND twin_step.version < safe.version
  RETURNING 1
)
SELECT (extract(epoch FROM at) * 1000000)::int8 AS us, device_uid AS device, document, version,
  (SELECT count(*)::int4 FROM removed) AS removed
FROM wholes ORDER BY at DESC, device_uid DESC, document DESC, version DESC LIMIT 1`;

export class TwinStepRemoval {
  readonly #database: Database;
  readonly #keepDays: number;
  /** Whole documents before this were seen to; those of each run of the process are looked through once. */
  #place = BEGIN;

  constructor(database: Database, keepDays: number) {
    this.#database = database;
    this.#keepDays = keepDays;
  }

  /** All that may go now, in pieces. Answers how many steps that were. Rejects with a DatabaseError. */
  async remove(): Promise<number> {
    for (let removed = 0; ; ) {
      const { us, device, document, version } = this.#place;
      const params = [this.#keepDays, us, device, document, version, PIECE_WHOLES];
      const [piece] = await this.#database.query<Row & Place & { removed: number }>(REMOVE_SQL, params);
      if (piece === undefined) return removed;
      this.#place = piece;
      removed += piece.removed;
    }
  }
}
