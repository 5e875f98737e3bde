/** What is measured, under which name. */
import { performance } from 'node:perf_hooks';
import type { Room } from '../../adapters/database/database.ts';
import type { DeadLetterCount } from '../../contracts/dead-letters.contract.ts';
import type { HealthReport } from '../../contracts/health.contract.ts';
import type { Sample } from './exposition.ts';

/** Figures that only grow, with what they count. All others are levels, which go up and down. */
const COUNTERS: Readonly<Record<string, string>> = {
  mqtt_messages_in: 'Messages that devices published by MQTT',
  mqtt_qos0_dropped: 'Messages of QoS 0 that were dropped under overload',
  mqtt_refused_connects: 'Connects that were refused',
  mqtt_refused_publishes: 'Messages that were refused by their topic or size, and kept as dead letters',
  mqtt_cut_off: 'Connections closed for what their client did, or because its messages could not be settled',
  mqtt_forwarded: 'Messages that were forwarded to subscribers',
  mqtt_forwards_dropped: 'Messages that a subscriber did not get because it was too slow',
  mqtt_forwarded_to_nodes: 'Messages that were passed on for subscribers at other nodes',
  mqtt_forwarded_from_nodes: 'Messages for subscribers here that came from other nodes',
  mqtt_forwards_to_nodes_dropped: 'Messages that subscribers at other nodes did not get',
  mqtt_missed: 'Messages for subscribers here that other nodes sent and that did not arrive',
  actors_uplinks: 'Messages that the actors of this node were handed',
  actors_stored: 'Messages that were stored',
  actors_duplicates: 'Messages that were stored before',
  actors_rejected: 'Messages that became dead letters',
  actors_unknown: 'Messages of which nobody knows whether they were stored: their senders send them again',
  actors_moved: 'Messages that came for devices which had moved to another node',
  actors_activations: 'Actors that were loaded from the database',
  actors_commits: 'Transactions of the lanes',
  actors_refused: 'Messages that were turned away because too many were under way',
};
const LEVELS: Readonly<Record<string, string>> = {
  mqtt_connections: 'Connections that are open',
  mqtt_other_nodes: 'Other nodes with connections that this one knows of',
  actors_actors: 'Actors in memory',
  actors_shards: 'Shards that this node owns, of 256',
  actors_shards_held: 'Shards whose messages wait here for a new owner',
  actors_streams: 'Senders whose batches are kept in order',
  actors_held_batches: 'Batches that wait for one before them',
  cluster_shards_unowned: 'Shards that nobody owns, as this node knows',
  actors_unsettled: 'Messages that the actors of this node have and that are not settled',
  actors_waiting_in_lanes: 'Messages that wait for the next transaction',
  actors_under_way: 'Messages that came in at this node and are not settled',
  certificates_ending_soon: 'Certificates that end within 30 days and were not renewed, of the whole system',
  storage_raw_hot_bytes: 'Telemetry as rows, with its indexes, of the whole system',
  storage_raw_hot_rows: 'Rows of telemetry, as the database estimates them',
  storage_raw_compressed_bytes: 'Telemetry in compressed chunks, of the whole system',
  storage_raw_compressed_rows: 'Rows in compressed chunks, as the database estimates them',
  storage_rollups_hot_bytes: 'Rollups of minutes, hours and days, of the whole system',
  storage_rollups_hot_rows: 'Rows of rollups, as the database estimates them',
  storage_rollups_compressed_bytes: 'Rollups in compressed chunks, of the whole system',
  storage_rollups_compressed_rows: 'Rows of rollups in compressed chunks, as the database estimates them',
  storage_archive_bytes: 'Files of the archive, of the whole system',
  storage_archive_rows: 'Datapoints in files of the archive, of the whole system',
  storage_compression_ratio: 'Bytes of compressed telemetry before, by after',
  actors_under_way_bytes: 'The payloads of those, in bytes',
};
/** They say where something is, not how much. */
const NO_MEASURES = new Set(['mqtt_port']);

/** A figure that has no line above goes out without a type, so that a new one needs no change here. */
export function reportSamples(service: string, { condition, figures }: HealthReport): Sample[] {
  const samples: Sample[] = [
    {
      name: 'skein_service_healthy',
      type: 'gauge',
      help: '1 when the service says that it is healthy, 0 when it is degraded or unhealthy',
      labels: { service },
      value: condition === 'healthy' ? 1 : 0,
    },
  ];
  for (const [figure, value] of Object.entries(figures)) {
    const name = `${service}_${figure.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)}`;
    if (typeof value !== 'number' || NO_MEASURES.has(name)) continue;
    if (COUNTERS[name] !== undefined)
      samples.push({ name: `skein_${name}_total`, type: 'counter', help: COUNTERS[name], value });
    else if (LEVELS[name] !== undefined)
      samples.push({ name: `skein_${name}`, type: 'gauge', help: LEVELS[name], value });
    else samples.push({ name: `skein_${name}`, value });
  }
  return samples;
}

/** The utilization of the event loop is the rate of its active seconds. */
export function processSamples(nodeId: string): Sample[] {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const { active, idle } = performance.eventLoopUtilization();
  const counter = (name: string, help: string, value: number): Sample => ({ name, type: 'counter', help, value });
  const gauge = (name: string, help: string, value: number): Sample => ({ name, type: 'gauge', help, value });
  return [
    { ...gauge('skein_node_info', 'Always 1; its label says whose figures these are', 1), labels: { node: nodeId } },
    gauge('skein_process_uptime_seconds', 'How long the process runs', Math.round(process.uptime())),
    gauge('skein_process_resident_memory_bytes', 'Memory of the process', rss),
    gauge('skein_process_heap_used_bytes', 'Of JavaScript objects', heapUsed),
    counter('skein_process_cpu_seconds_total', 'Processor time, of all threads', (user + system) / 1e6),
    counter('skein_event_loop_active_seconds_total', 'Time in which the event loop had work', active / 1e3),
    counter('skein_event_loop_idle_seconds_total', 'Time in which the event loop waited', idle / 1e3),
  ];
}

/** Of the database, as this process knows it. */
export function roomSamples(room: Room | undefined): Sample[] {
  if (room === undefined) return [];
  const gauge = (name: string, help: string, value: number): Sample => ({ name, type: 'gauge', help, value });
  const { readOnly, freeBytes, times } = room;
  return [
    gauge(
      'skein_storage_read_only',
      '1 while nothing new is stored because the disk is full',
      readOnly === undefined ? 0 : 1,
    ),
    {
      name: 'skein_storage_read_only_times_total',
      type: 'counter',
      help: 'How often it became so',
      value: times,
    },
    ...(freeBytes === undefined
      ? []
      : [gauge('skein_storage_free_bytes', 'Room where the embedded database is', freeBytes)]),
  ];
}

/** Of the whole system. Both labels have few values, so that there are few series. */
export const deadLetterSamples = (figures: {
  readonly counts: readonly DeadLetterCount[];
  readonly oldestAgeSeconds: number;
}): Sample[] => [
  ...figures.counts.map(
    ({ reason, kind, count }): Sample => ({
      name: 'skein_dead_letters',
      type: 'gauge',
      help: 'Dead letters that were not replayed, of the whole system',
      labels: { reason, kind },
      value: count,
    }),
  ),
  {
    name: 'skein_dead_letters_oldest_age_seconds',
    type: 'gauge',
    help: 'How long the oldest of them has been waiting; 0 when there is none',
    value: figures.oldestAgeSeconds,
  },
];
