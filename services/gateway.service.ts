/** REST, on the HTTP server of the process. The paths are in `gateway/routes.ts`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ActionSchema, Context, Service, ServiceSchema } from 'moleculer';
import ApiGateway from 'moleculer-web';
import { keyRates } from '../adapters/limits/index.ts';
import type { RateLimiter } from '../adapters/limits/rate.ts';
import { access } from '../contracts/access.contract.ts';
import { call, type Meta } from '../contracts/contract.ts';
import { gateway } from '../contracts/gateway.contract.ts';
import { addressOf, bearerKey, idempotencyOf } from './gateway/caller.ts';
import { answerClientError } from './gateway/client-errors.ts';
import type { Endpoint } from './gateway/endpoint.ts';
import { type Alias, fail, methodsAt, type RoutedRequest } from './gateway/failures.ts';
import { type FrontDoor, frontDoor } from './gateway/front-door.ts';
import { isBodyless, jsonBody } from './gateway/json-body.ts';
import { withinRate } from './gateway/key-rate.ts';
import { checkTexts } from './gateway/readings.ts';
import { ENDPOINTS, HEALTH_ENDPOINTS } from './gateway/routes.ts';
import type { Node } from './node.ts';

type Request = RoutedRequest & {
  readonly $alias: Alias;
  $params: { readonly params: Record<string, string>; readonly query: Record<string, unknown> };
};
/** What the gateway's mixin adds to the service. */
type Web = Service & {
  readonly aliases: readonly Alias[];
  express(): (request: IncomingMessage, response: ServerResponse) => void;
};
type RestContext = Context<unknown, Meta & Record<string, unknown>>;

export function gatewayService({ config, http, log }: Pick<Node, 'config' | 'http' | 'log'>): ServiceSchema {
  const { limits } = config;
  let door: FrontDoor | undefined;
  let rates: RateLimiter | undefined;

  /** Who calls, then what: nothing of a request is read before its caller is known. */
  const prepare = async (ctx: RestContext, _route: unknown, req: Request): Promise<void> => {
    const { endpoint } = req.$alias;
    const { headers } = req;
    const address = addressOf(req);
    ctx.meta.address = address;
    if (!endpoint.isPublic) {
      const key = bearerKey(headers);
      ctx.meta.principal = await call(ctx, access.verify, { key, presented: { address } });
      const counted = rates && withinRate(rates, ctx.meta.principal, limits);
      if (counted !== undefined) await counted;
      if (endpoint.creates) ctx.meta.idempotency = idempotencyOf(headers);
    }
    const hasBody = endpoint.takesBody === true || (endpoint.takesBody === 'optional' && !isBodyless(req));
    const body = hasBody ? await jsonBody(req, limits.requestMaxBytes) : undefined;
    const { params: path, query } = req.$params;
    checkTexts(query);
    const { principal } = ctx.meta;
    req.$params = endpoint.read({ path, query, body, headers, principal, limits, nowMs: Date.now() }) as never;
    // Only a GET may be answered with 304; for a change it would hide that it was made.
    if (req.method !== 'GET') delete headers['if-none-match'];
  };

  /** The body goes on as text: the gateway takes an object with `type: "Buffer"` for bytes, and a device may have that type. */
  const shape = (ctx: RestContext, _route: unknown, req: Request, res: ServerResponse, result: never): string => {
    const { status, headers = {}, body, contentType } = req.$alias.endpoint.answer(result);
    res.statusCode = status;
    res.setHeader('Cache-Control', 'private, no-cache');
    for (const name in headers) res.setHeader(name, headers[name]!);
    if (headers.Location !== undefined) ctx.meta.$location = headers.Location;
    ctx.meta.$responseType = contentType ?? 'application/json';
    return contentType === undefined ? JSON.stringify(body) : String(body);
  };

  const route = (path: string, endpoints: readonly Endpoint[]) => ({
    path,
    aliases: Object.fromEntries(endpoints.map(it => [`${it.method} ${it.path}`, { action: it.action, endpoint: it }])),
    pathToRegexpOptions: { sensitive: true },
    mappingPolicy: 'restrict',
    mergeParams: false,
    bodyParsers: false,
    logging: false,
    onBeforeCall: prepare,
    onAfterCall: shape,
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
      // What the mixin makes of a request; each path leads to an action that says itself who may call it.
      rest: { access: { needs: 'anyone' } } as ActionSchema,
    },
    started(this: Service) {
      const web = this as Web;
      rates = keyRates(limits, config.redisUrl);
      http.headersTimeout = limits.requestTimeoutSeconds * 1000;
      http.requestTimeout = limits.requestTimeoutSeconds * 1000;
      door = frontDoor(web.express(), url => methodsAt(web.aliases, url));
      http.on('request', door.listener);
      http.on('clientError', answerClientError);
    },
    methods: {
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
