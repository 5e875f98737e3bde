import type { Database } from '../../adapters/database/database.ts';
import type { TelemetrySpans } from '../../adapters/database/telemetry/reading/spans.ts';
import type { ArchivedReadings } from '../../contracts/archive.ts';
import type { Limits } from '../../contracts/limits.ts';

/** What questions about telemetry are answered with. */
export type ReadingParts = {
  readonly database: Database;
  readonly limits: Limits;
  readonly spans: TelemetrySpans;
  /** Null: nothing is archived. */
  readonly archive: ArchivedReadings | null;
};
