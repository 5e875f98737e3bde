/**
 * From a request to its answer: which path it is, who calls, with which parameters, and what the action says. It stands in the place of the
 * gateway's own way there, which has middlewares, lists of what is allowed, uploads, several ways to answer, and a call of an action of its own
 * before the one that was asked for: nothing here needs them, and they take longer than all the rest.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import type { ServiceBroker } from 'moleculer';
import type { Logger } from 'pino';
import type { Verified, VerifiedKeys } from '../../adapters/access/verified-keys.ts';
import type { Database } from '../../adapters/database/database.ts';
import { clientCertificateOf } from '../../adapters/tls/client-certificate.ts';
import type { BlobStore } from '../../contracts/blobs.ts';
import type { Caller, Meta } from '../../contracts/contract.ts';
import type { Limits } from '../../contracts/limits.ts';
import { callingFor } from '../../mixins/caller-gone.ts';
import { AnswerStreams } from './answer-streams.ts';
import { bodyOf } from './bodies.ts';
import { addressOf, callerOf, idempotencyOf } from './caller.ts';
import type { Endpoint } from './endpoint.ts';
import { type Alias, fail, noSuchPath } from './failures.ts';
import { requestIdOf } from './front-door.ts';
import { type Found, pathTable } from './path-table.ts';
import { checkRoom } from './read-only.ts';
import { checkTexts } from './readings.ts';
import type { RequestRates } from './request-rates.ts';
import { HEALTH_ENDPOINTS } from './routes.ts';
import { sendReply } from './send-reply.ts';

type Query = Readonly<Record<string, unknown>>;
export type HandlerParts = {
  readonly broker: ServiceBroker;
  readonly database: Pick<Database, 'room'>;
  readonly blobs: BlobStore;
  readonly log: Logger;
  readonly limits: Limits;
  readonly aliases: readonly Alias[];
  /** The path and what stands behind its question mark. */
  readonly partsOf: (request: IncomingMessage) => { readonly url: string; readonly query: Query };
  readonly verified: Pick<VerifiedKeys<Verified>, 'get' | 'wasGood' | 'isBad'>;
  readonly rates: RequestRates;
};

/** What asks for them comes often, and from one address. */
const PROBES: ReadonlySet<string> = new Set(HEALTH_ENDPOINTS.map(it => it.path));

export function requestHandler(parts: HandlerParts): RequestListener {
  const { broker, log, limits, aliases, partsOf } = parts;
  const find = pathTable(aliases);
  const streams = new AnswerStreams(limits.answerStreamsUnderWay);
  return async (request, response) => {
    let endpoint: Endpoint | undefined;
    try {
      const { url, query } = partsOf(request);
      const found = find(url.length > 1 && url.endsWith('/') ? url.slice(0, -1) : url, request.method);
      if (found === false) return noSuchPath(aliases, request, response);
      endpoint = found.alias.endpoint;
      const { action, answer } = endpoint;
      const meta: Meta = { address: addressOf(request) };
      const params = await paramsOf(parts, request, found, query, meta);
      const result = await broker.call(action, params, {
        meta,
        requestID: requestIdOf(request),
        ...callingFor(response),
      });
      const { principal, address } = meta;
      // By itself: a long answer may take longer than the request that began it.
      const more = (others: object) =>
        broker.call(action, { ...params, ...others }, { meta: { principal, address } }) as Promise<never>;
      const reply = answer(result as never, more);
      streams.take(reply.body);
      sendReply(request, response, reply);
    } catch (error) {
      fail(log, request, response, error as Error, endpoint?.action);
    }
  };
}

/** Who calls, then what: nothing of a request is read before its caller is known, which is written in `meta`. */
async function paramsOf(
  { broker, database, blobs, limits, verified, rates }: HandlerParts,
  request: IncomingMessage,
  { alias: { endpoint }, params: path }: Found,
  query: Query,
  meta: Meta,
): Promise<object> {
  const { headers, socket } = request;
  const caller = callerWith(broker, meta, requestIdOf(request));
  const address = meta.address!;
  if (endpoint.isPublic) {
    if (!PROBES.has(endpoint.path)) await rates.stranger(address);
    const certificate = clientCertificateOf(socket);
    if (typeof certificate === 'object') meta.certificate = certificate;
  } else {
    const principal = callerOf(caller, request, address, verified, rates);
    meta.principal = principal instanceof Promise ? await principal : principal;
    const counted = rates.within(meta.principal);
    if (counted !== undefined) await counted;
    if (endpoint.creates) meta.idempotency = idempotencyOf(headers);
  }
  checkRoom(database.room, endpoint, limits);
  checkTexts(query);
  const reading = bodyOf(caller, request, query, endpoint, limits, blobs);
  const body = reading === undefined ? undefined : await reading;
  return endpoint.read({ path, query, body, headers, principal: meta.principal, limits, nowMs: Date.now() });
}

/** Calls for whoever sent the request: with what is known of it by then, and under the request's id. */
const callerWith = (broker: ServiceBroker, meta: Meta, requestID: string): Caller => ({
  call: (name, params, options) => broker.call(name, params, { ...options, meta: { ...meta }, requestID }),
});
