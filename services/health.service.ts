/** How the system is: what the services say of themselves, and the database. */
import type { ServiceBroker, ServiceSchema } from 'moleculer';
import { countOnline } from '../adapters/database/presence.ts';
import { actors } from '../contracts/actors.contract.ts';
import { certificates } from '../contracts/certificates.contract.ts';
import { cluster } from '../contracts/cluster.contract.ts';
import { implement } from '../contracts/contract.ts';
import { type HealthReport, health } from '../contracts/health.contract.ts';
import { mqtt } from '../contracts/mqtt.contract.ts';
import { memberOf } from '../mixins/callers.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { databaseReport, processFigures, serviceReport, worst } from './health/probes.ts';
import type { Node } from './node.ts';

const PATIENCE_MS = 2_000;
/** Probes come often and from anybody, so a report serves all who ask within this time. */
const REPORT_KEEP_MS = 1_000;
/** How old the count of devices may be. */
const COUNT_KEEP_SECONDS = 1;
const REPORTING = {
  cluster: cluster.health,
  actors: actors.health,
  mqtt: mqtt.health,
  certificates: certificates.health,
} as const;
type Reports = Record<string, HealthReport>;

export function healthService({ config, database }: Pick<Node, 'config' | 'database'>): ServiceSchema {
  let latest: { readonly atMs: number; readonly reports: Promise<Reports> } | undefined;

  const collect = async (broker: ServiceBroker): Promise<Reports> => {
    const asked = Object.entries(REPORTING).map(async ([name, action]) => {
      const report = await serviceReport(broker, action, PATIENCE_MS);
      return [name, report ?? missing(name === 'cluster' || config.services.some(it => it === name))] as const;
    });
    const reports = await Promise.all([
      databaseReport(database, PATIENCE_MS).then(report => ['database', report] as const),
      ...asked,
    ]);
    return Object.fromEntries(reports.filter((it): it is [string, HealthReport] => it[1] !== undefined));
  };
  const reports = (broker: ServiceBroker): Promise<Reports> => {
    const nowMs = performance.now();
    if (latest === undefined || nowMs - latest.atMs > REPORT_KEEP_MS)
      latest = { atMs: nowMs, reports: collect(broker) };
    return latest.reports;
  };

  const schema = implement(
    health,
    {
      async ready({ broker }) {
        if (broker.stopping) return { ready: false, reason: 'stopping' };
        if (!broker.started) return { ready: false, reason: 'starting' };
        const { database: engine, cluster: part } = await reports(broker);
        if (engine!.condition === 'unhealthy') return { ready: false, reason: 'no database' };
        return part?.condition === 'unhealthy' ? { ready: false, reason: part.detail ?? 'leaving' } : { ready: true };
      },

      async condition({ broker }) {
        return { condition: worst(Object.values(await reports(broker))) };
      },

      services: ({ broker }) => reports(broker),

      async system({ broker }) {
        const services = await reports(broker);
        return { condition: worst(Object.values(services)), services, figures: processFigures() };
      },

      async devices(ctx) {
        const { tenantId } = memberOf(ctx);
        const [rows, connected, parts] = await Promise.all([
          database.query<{ state: string; count: number }>(
            'SELECT state, count(*)::int AS count FROM device WHERE tenant_id = $1 GROUP BY state ORDER BY state',
            [tenantId],
          ),
          countOnline(database, tenantId),
          reports(ctx.broker),
        ]);
        return {
          registered: Object.fromEntries(rows.map(row => [row.state, row.count])),
          connected,
          activeActors: figure(parts.actors, 'actors'),
        };
      },
    },
    databaseErrors,
  );
  // Counting all devices of a tenant is dear, and dashboards of many people ask for it. Only where nodes share a Redis.
  Object.assign(schema.actions!.devices as object, {
    cache: { keys: ['#principal.tenantId'], ttl: COUNT_KEEP_SECONDS },
  });
  return schema;
}

/** A service that this process should run, but nobody answers for; one that it need not run is left out. */
const missing = (wanted: boolean): HealthReport | undefined =>
  wanted ? { condition: 'unhealthy', detail: 'It is not running', figures: {} } : undefined;

const figure = (report: HealthReport | undefined, name: string): number => Number(report?.figures[name] ?? 0);
