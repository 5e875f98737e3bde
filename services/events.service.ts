/** What happened to devices: a feed for programs, and events for the services of all nodes. */
import type { Service, ServiceSchema } from 'moleculer';
import { watchNats } from '../adapters/bus/nats-link.ts';
import { BEFORE_ALL, type EventPosition } from '../adapters/database/events-feed.ts';
import { isDeviceId } from '../contracts/addresses.ts';
import { implement } from '../contracts/contract.ts';
import { SkeinError } from '../contracts/errors.ts';
import { events } from '../contracts/events.contract.ts';
import type { Limits } from '../contracts/limits.ts';
import { whenCallerGoes } from '../mixins/caller-gone.ts';
import { limitOf, memberOf } from '../mixins/callers.ts';
import { cursorOf, pageSize, positionOf, TRANSACTION_POSITION } from '../mixins/cursors.ts';
import { databaseErrors } from '../mixins/database-errors.ts';
import { inTurn } from '../mixins/pieces.ts';
import { type EventFilter, type FoundEvents, latestPosition, readBoundedPage } from './events/event-pages.ts';
import { readTails } from './events/event-tails.ts';
import { EventWaiters } from './events/event-waiters.ts';
import { EventRelay } from './events/relay.ts';
import type { Node } from './node.ts';

/** How often the database is looked at for those who wait. */
const WAITING_POLL_MS = 500;
/** Of the time in which a request must be answered, this much is for everything but waiting. */
const ANSWER_SECONDS = 5;

export function eventsService({ config, database, log }: Pick<Node, 'config' | 'database' | 'log'>): ServiceSchema {
  const { limits } = config;
  const { eventScanMaxRows, eventWaiters, eventRelayBatch } = limits;
  const waiters = new EventWaiters({
    read: tails => readTails(database, tails, eventScanMaxRows),
    waitersMax: eventWaiters,
    pollMs: WAITING_POLL_MS,
  });
  let relay: EventRelay | undefined;

  const read = async (filter: EventFilter, from: EventPosition, items: number): Promise<FoundEvents> => {
    const found = await inTurn(database, limits, () => readBoundedPage(database, limits, filter, from, items));
    if (!found.missed || from === BEFORE_ALL) return found;
    throw new SkeinError('events_gone', 'Events after this cursor were removed because of their age');
  };

  /** Until there is something, the time is over, or nobody waits for it any more. */
  const readPatiently = async (
    filter: EventFilter,
    first: FoundEvents,
    items: number,
    waitMs: number,
    gone: AbortSignal,
  ) => {
    const untilMs = performance.now() + waitMs;
    let page = first;
    for (;;) {
      const leftMs = untilMs - performance.now();
      if (page.items.length > 0 || leftMs <= 0 || gone.aborted) return page;
      if (!page.more) {
        const { found, position } = await waiters.wait(filter, page.position, leftMs, gone);
        if (!found) return { ...page, position };
        page = { ...page, position };
      }
      page = await read(filter, page.position, items);
    }
  };

  return implement(
    events,
    {
      async list(ctx) {
        const { tenantId } = memberOf(ctx);
        const { limit, cursor, from, kind, deviceId, wait = 0 } = ctx.params;
        if (deviceId !== undefined && !isDeviceId(deviceId, limits.deviceIdMaxLength))
          throw new SkeinError('invalid_request', 'deviceId can not be the id of a device');
        if (cursor !== undefined && from !== undefined)
          throw new SkeinError('invalid_request', 'cursor and from exclude each other');
        const waitMs = waitMsOf(wait, limits);
        const size = pageSize(limit, limits);
        const list = ['events', tenantId, kind, deviceId];
        const [tx, eventId] = positionOf<[string, number]>(list, cursor, TRANSACTION_POSITION) ?? [];
        const given = tx === undefined || eventId === undefined ? undefined : { tx, eventId };
        const start = given ?? (from === 'latest' ? await latestPosition(database) : BEFORE_ALL);
        const gone = new AbortController();
        whenCallerGoes(ctx, () => gone.abort());
        const filter = { tenantId, kind, deviceId, within: limitOf(ctx) };
        const first = await read(filter, start, size);
        const { items, position } = await readPatiently(filter, first, size, waitMs, gone.signal);
        return { items, nextCursor: cursorOf(list, [position.tx, position.eventId]) };
      },
    },
    {
      ...databaseErrors,
      async started(this: Service) {
        const { broker } = this;
        const link = watchNats(broker);
        relay = new EventRelay({
          database,
          log,
          batch: eventRelayBatch,
          broadcast: (name, payload) => broker.broadcast(name, payload),
          isHeard: () => config.natsUrl === undefined || link.isConnected(),
        });
        await relay.start();
      },
      async stopped() {
        waiters.close();
        await relay?.stop();
      },
    },
  );
}

/** An answer comes before whoever asked gives up. */
function waitMsOf(wait: number, { eventWaitMaxSeconds, requestTimeoutSeconds }: Limits): number {
  if (wait > eventWaitMaxSeconds)
    throw new SkeinError('invalid_request', `wait must be at most ${eventWaitMaxSeconds} seconds`);
  return Math.max(0, Math.min(wait, requestTimeoutSeconds - ANSWER_SECONDS)) * 1_000;
}
