/** REST, on the HTTP server of the process. The paths are in `gateway/routes.ts`. */
import type { IncomingMessage } from 'node:http';
import type { ActionSchema, Service, ServiceSchema } from 'moleculer';
import ApiGateway from 'moleculer-web';
import type { Verified, VerifiedKeys } from '../adapters/access/verified-keys.ts';
import { gateway } from '../contracts/gateway.contract.ts';
import { quotasOf } from '../mixins/quotas.ts';
import { answerClientError } from './gateway/client-errors.ts';
import type { Endpoint } from './gateway/endpoint.ts';
import { type Alias, methodsAt } from './gateway/failures.ts';
import { type FrontDoor, frontDoor } from './gateway/front-door.ts';
import { openApiText } from './gateway/openapi/document-text.ts';
import { type HandlerParts, requestHandler } from './gateway/request-handler.ts';
import { RequestRates } from './gateway/request-rates.ts';
import { ENDPOINTS, HEALTH_ENDPOINTS } from './gateway/routes.ts';
import type { Node } from './node.ts';

/** Others, like HTTP/2 without TLS, which some clients always ask for, are answered as if they had not asked: RFC 9110, section 7.8. */
const asksForWebSocket = ({ headers }: IncomingMessage): boolean => /^websocket$/i.test(headers.upgrade ?? '');

/** What the gateway's mixin adds to the service. */
type Web = Service & { readonly aliases: readonly Alias[]; readonly parseQueryString: HandlerParts['partsOf'] };

/** @param verified credentials that the access service of this process, if there is one, has found good */
export function gatewayService(
  { config, database, blobs, http, log }: Pick<Node, 'config' | 'database' | 'blobs' | 'http' | 'log'>,
  verified: Pick<VerifiedKeys<Verified>, 'get' | 'wasGood' | 'isBad'>,
): ServiceSchema {
  const { limits } = config;
  let door: FrontDoor | undefined;
  let rates: RequestRates | undefined;

  const route = (path: string, endpoints: readonly Endpoint[]) => ({
    path,
    aliases: Object.fromEntries(endpoints.map(it => [`${it.method} ${it.path}`, { action: it.action, endpoint: it }])),
    pathToRegexpOptions: { sensitive: true },
    mappingPolicy: 'restrict',
    bodyParsers: false,
  });

  const settings = {
    // Not for other nodes: they get the settings of each service.
    $secureSettings: ['routes', 'qsOptions'],
    server: false,
    logRequest: null,
    logRequestParams: null,
    logResponse: null,
    logRouteRegistration: null,
    qsOptions: { depth: 0, parameterLimit: 50, arrayLimit: 100, ignoreQueryPrefix: false },
    routes: [
      route('/api/v1', [...ENDPOINTS, ...HEALTH_ENDPOINTS]),
      route('/api', [...ENDPOINTS, ...HEALTH_ENDPOINTS]),
      route('/', HEALTH_ENDPOINTS),
    ],
  };

  return {
    name: gateway.service,
    mixins: [ApiGateway as unknown as ServiceSchema],
    settings: settings as ServiceSchema['settings'],
    actions: {
      // Nobody changes the paths of a running system.
      addRoute: false,
      removeRoute: false,
      listAliases: false,
      // Each path leads to its action: see gateway/request-handler.ts.
      rest: false,
      live: { access: gateway.live.access, handler: () => ({ status: 'alive' }) } as ActionSchema,
      openApi: {
        access: gateway.openApi.access,
        params: { $$strict: true },
        handler: () => openApiText([...ENDPOINTS, ...HEALTH_ENDPOINTS], limits),
      } as ActionSchema,
    },
    started(this: Service) {
      const web = this as Web;
      rates = new RequestRates(limits, config.redisUrl, quotasOf(database, limits));
      http.headersTimeout = limits.requestTimeoutSeconds * 1000;
      http.requestTimeout = limits.requestTimeoutSeconds * 1000;
      const { broker, aliases, parseQueryString: partsOf } = web;
      const handle = requestHandler({ broker, database, blobs, log, limits, aliases, partsOf, verified, rates });
      door = frontDoor(handle, url => methodsAt(aliases, url), config.corsOrigins);
      http.on('request', door.listener);
      Object.assign(http, { shouldUpgradeCallback: asksForWebSocket });
      http.on('clientError', answerClientError);
    },
    /** Listens on and refuses: the server is closed by who opened it, and until then no request must hang. */
    stopped() {
      door?.close();
      rates?.close();
    },
  };
}
