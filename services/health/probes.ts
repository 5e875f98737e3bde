/** What health asks of the parts of the system, each with a time limit, and what it makes of the answers. */
import { availableParallelism, loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Database, Room } from '../../adapters/database/database.ts';
import { type Action, type Caller, call } from '../../contracts/contract.ts';
import type { Condition, HealthReport } from '../../contracts/health.contract.ts';

type ReportAction = Action<Record<never, never>, HealthReport>;

export async function databaseReport(database: Database, patienceMs: number): Promise<HealthReport> {
  const { room } = database;
  const figures = {
    engine: database.engine,
    ...(room && { readOnly: room.readOnly === undefined ? 0 : 1, timesReadOnly: room.times }),
    ...(room?.freeBytes !== undefined && { freeBytes: room.freeBytes }),
  };
  const begun = performance.now();
  try {
    await within(patienceMs, database.query('SELECT 1'));
    const answerMs = Math.round(performance.now() - begun);
    return { ...roomReport(room), figures: { ...figures, answerMs } };
  } catch {
    if (room?.readOnly !== undefined) return { condition: 'unhealthy', detail: roomReport(room).detail!, figures };

    return { condition: 'unhealthy', detail: 'The database does not answer', figures };
  }
}

/** What is stored can be read, and nothing else. */
const roomReport = (room: Room | undefined): Pick<HealthReport, 'condition' | 'detail'> =>
  room?.readOnly === undefined
    ? { condition: 'healthy' }
    : { condition: 'degraded', detail: `read-only: ${room.readOnly}` };

/** The report of a service of this process. Undefined when there is none: other nodes are asked by themselves. */
export async function serviceReport(
  caller: Caller & { readonly nodeID: string },
  action: ReportAction,
  patienceMs: number,
): Promise<HealthReport | undefined> {
  try {
    return await call(caller, action, {}, { nodeID: caller.nodeID, timeout: patienceMs });
  } catch (error) {
    const { type } = error as { type?: string };
    if (type === 'SERVICE_NOT_FOUND' || type === 'SERVICE_NOT_AVAILABLE') return undefined;
    return { condition: 'unhealthy', detail: 'It does not answer', figures: {} };
  }
}

/** The worst of all. */
export function worst(reports: readonly HealthReport[]): Condition {
  const has = (condition: Condition) => reports.some(it => it.condition === condition);
  return has('unhealthy') ? 'unhealthy' : has('degraded') ? 'degraded' : 'healthy';
}

/** Figures of this process; the utilization is that of its event loop since it began. */
export function processFigures(): Record<string, number | string> {
  const { rss, heapUsed } = process.memoryUsage();
  return {
    uptimeSeconds: Math.round(process.uptime()),
    memoryRssBytes: rss,
    heapUsedBytes: heapUsed,
    eventLoopUtilization: Number(performance.eventLoopUtilization().utilization.toFixed(3)),
    loadAverage1m: Number((loadavg()[0] ?? 0).toFixed(2)),
    processors: availableParallelism(),
    node: process.version,
  };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('late')), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
