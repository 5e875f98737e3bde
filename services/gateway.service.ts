/** REST, on the HTTP server of the process. The paths are in `gateway/routes.ts`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ActionSchema, Context, Service, ServiceSchema } from 'moleculer';
import ApiGateway from 'moleculer-web';
import type { Verified, VerifiedKeys } from '../adapters/access/verified-keys.ts';
import { clientCertificateOf } from '../adapters/tls/client-certificate.ts';
import type { Meta } from '../contracts/contract.ts';
import { gateway } from '../contracts/gateway.contract.ts';
import { quotasOf } from '../mixins/quotas.ts';
import { bodyOf } from './gateway/bodies.ts';
import { addressOf, callerOf, idempotencyOf } from './gateway/caller.ts';
import { answerClientError } from './gateway/client-errors.ts';
import type { Endpoint } from './gateway/endpoint.ts';
import { type Alias, fail, methodsAt, type RoutedRequest } from './gateway/failures.ts';
import { type FrontDoor, frontDoor } from './gateway/front-door.ts';
import { openApiText } from './gateway/openapi/document-text.ts';
import { type Found, type PathTable, pathTable } from './gateway/path-table.ts';
import { checkTexts } from './gateway/readings.ts';
import { RequestRates } from './gateway/request-rates.ts';
import { ENDPOINTS, HEALTH_ENDPOINTS } from './gateway/routes.ts';
import { sendReply } from './gateway/send-reply.ts';
import type { Node } from './node.ts';

/** Others, like HTTP/2 without TLS, which some clients always ask for, are answered as if they had not asked: RFC 9110, section 7.8. */
const asksForWebSocket = ({ headers }: IncomingMessage): boolean => /^websocket$/i.test(headers.upgrade ?? '');

type Request = RoutedRequest & { readonly query: Readonly<Record<string, unknown>> };
/** What the gateway's mixin adds to the service. */
type Web = Service & {
  readonly aliases: readonly Alias[];
  paths?: PathTable;
  express(): (request: IncomingMessage, response: ServerResponse) => void;
};
type RestContext = Context<unknown, Meta & Record<string, unknown>>;

/** What asks for them comes often, and from one address. */
const PROBES: ReadonlySet<string> = new Set(HEALTH_ENDPOINTS.map(it => it.path));

/** @param verified credentials that the access service of this process, if there is one, has found good */
export function gatewayService(
  { config, database, http, log }: Pick<Node, 'config' | 'database' | 'http' | 'log'>,
  verified: Pick<VerifiedKeys<Verified>, 'get' | 'wasGood' | 'isBad'>,
): ServiceSchema {
  const { limits } = config;
  let door: FrontDoor | undefined;
  let rates: RequestRates | undefined;

  /** Who calls, then what: nothing of a request is read before its caller is known. */
  const paramsOf = async (ctx: RestContext, request: Request, { alias, params: path }: Found): Promise<object> => {
    const { endpoint } = alias;
    const { headers, query } = request;
    const { meta } = ctx;
    meta.address = addressOf(request);
    if (endpoint.isPublic) {
      if (!PROBES.has(endpoint.path)) await rates?.stranger(meta.address);
      const certificate = clientCertificateOf(request.socket);
      if (typeof certificate === 'object') meta.certificate = certificate;
    } else {
      meta.principal = await callerOf(ctx, request, meta.address, verified, rates);
      const counted = rates?.within(meta.principal);
      if (counted !== undefined) await counted;
      if (endpoint.creates) meta.idempotency = idempotencyOf(headers);
    }
    checkTexts(query);
    const body = await bodyOf(ctx, request, endpoint, limits);
    return endpoint.read({ path, query, body, headers, principal: meta.principal, limits, nowMs: Date.now() });
  };

  const route = (path: string, endpoints: readonly Endpoint[]) => ({
    path,
    aliases: Object.fromEntries(endpoints.map(it => [`${it.method} ${it.path}`, { action: it.action, endpoint: it }])),
    pathToRegexpOptions: { sensitive: true },
    mappingPolicy: 'restrict',
    bodyParsers: false,
  });

  const settings = {
    // Not for other nodes: they get the settings of each service.
    $secureSettings: ['routes', 'onError', 'qsOptions'],
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
    onError(this: Web, req: RoutedRequest, res: ServerResponse, error: Error) {
      fail(log, this.aliases, req, res, error);
    },
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
      live: { access: gateway.live.access, handler: () => ({ status: 'alive' }) } as ActionSchema,
      openApi: {
        access: gateway.openApi.access,
        params: { $$strict: true },
        handler: () => openApiText([...ENDPOINTS, ...HEALTH_ENDPOINTS], limits),
      } as ActionSchema,
      // What the mixin makes of a request; each path leads to an action that says itself who may call it.
      rest: { access: { needs: 'anyone' } } as ActionSchema,
    },
    started(this: Service) {
      const web = this as Web;
      rates = new RequestRates(limits, config.redisUrl, quotasOf(database, limits));
      http.headersTimeout = limits.requestTimeoutSeconds * 1000;
      http.requestTimeout = limits.requestTimeoutSeconds * 1000;
      door = frontDoor(web.express(), url => methodsAt(web.aliases, url), config.corsOrigins);
      http.on('request', door.listener);
      Object.assign(http, { shouldUpgradeCallback: asksForWebSocket });
      http.on('clientError', answerClientError);
    },
    methods: {
      resolveAlias(this: Web, url: string, method: string | undefined): Found | false {
        this.paths ??= pathTable(this.aliases);
        return this.paths(url, method);
      },
      /**
       * In the place of the mixin's own, which has middlewares, lists of what is allowed, rates, uploads and several ways to answer between
       * a request and its action: all that a path of ours needs is here, and it takes a third of the time.
       */
      async routeHandler(
        this: Web,
        ctx: RestContext,
        _route: unknown,
        req: Request,
        res: ServerResponse,
        found?: Found,
      ) {
        if (found === undefined) return null;
        const { endpoint } = found.alias;
        req.$alias = found.alias;
        const params = await paramsOf(ctx, req, found);
        const result = await ctx.call(endpoint.action, params);
        const { principal, address } = ctx.meta;
        // By itself: a long answer may take longer than the request that began it.
        const more = (others: object) =>
          ctx.broker.call(
            endpoint.action,
            { ...params, ...others },
            { meta: { principal, address } },
          ) as Promise<never>;
        sendReply(req, res, endpoint.answer(result as never, more));
        return true;
      },
      /** The mixin's own logs each error once more, without the id of the request. */
      errorHandler(this: Web, req: RoutedRequest, res: ServerResponse, error: Error) {
        fail(log, this.aliases, req, res, error);
      },
    },
    /** Listens on and refuses: the server is closed by who opened it, and until then no request must hang. */
    stopped() {
      door?.close();
      rates?.close();
    },
  };
}
