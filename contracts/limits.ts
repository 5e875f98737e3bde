/**
 * Every limit of Skein, each with its unit in its name and its reason. Each is a setting too: `deviceMessagesPerSecond` is
 * `SKEIN_LIMIT_DEVICE_MESSAGES_PER_SECOND`, a whole number from 1.
 */
export const LIMITS = {
  /** A message's payload. AWS IoT and Azure IoT Hub have 128 and 256 KiB; larger things are uploads. */
  messageMaxBytes: 128 * 1024,
  /** What the longest legal topic, properties and headers may add to a payload on the wire. */
  packetOverheadMaxBytes: 4 * 1024,
  /** The longest topic of ours has 5 levels; gateways with children have 6. */
  topicMaxLevels: 16,
  topicMaxBytes: 512,
  /** Nesting inside a value; deeper is a mistake or an attack on recursion. */
  valueMaxDepth: 10,
  /** Values in one message: a day of one measurement by the minute fits. */
  messageMaxValues: 1_500,
  /** One value that is not a number: JSON text as stored. */
  valueMaxBytes: 32 * 1024,
  /** Each of the two documents of a twin, as JSON text: both are in memory as long as the device is active. */
  twinMaxBytes: 32 * 1024,
  /** Objects and arrays inside of each other, the document included. */
  twinMaxDepth: 10,
  measurementNameMaxLength: 128,
  /** Distinct measurements of one device: each costs memory in its actor for as long as the device is active. */
  deviceMaxMeasurements: 500,
  messageIdMaxLength: 128,
  /** How long a message id keeps a second message with it out. */
  messageIdKeepHours: 24,
  /** Clocks ahead by more than this are wrong: the message is refused, with its reason. */
  timestampMaxAheadSeconds: 24 * 3600,
  /** A device that sends faster is slowed: its socket is read later. */
  deviceMessagesPerSecond: 100,
  deviceBurstMessages: 200,
  /** A device so far beyond its rate that it would wait longer than this is disconnected. */
  deviceMaxDelaySeconds: 10,
  /** Connections of one process: about 30 KiB each when idle. */
  connectionsMax: 100_000,
  connectTimeoutSeconds: 10,
  /** Connects whose keys are being checked: a storm of them waits outside, where it costs the least. */
  authenticationsUnderWay: 1_000,
  /** Connects of one device, or of one application's client id, whose credential is good: each stores a session. */
  clientConnectsPerSecond: 1,
  clientBurstConnects: 10,
  /**
   * Wrong credentials from one address (of IPv6: one network), which may be that of a whole site or of a load balancer. Beyond it only
   * those are checked that this process let in before.
   */
  addressFailedConnectsPerMinute: 3_000,
  clientIdMaxLength: 128,
  /** Application subscriptions of one connection. */
  subscriptionsPerConnection: 100,
  /** A subscriber that takes nothing for this long is disconnected, so that it holds back nobody else. */
  subscriberDrainTimeoutSeconds: 5,
  /** Bytes that wait for one subscriber: an application that lags further is disconnected, a device gets no more meanwhile. */
  subscriberQueueMaxBytes: 1024 * 1024,
  /** Whether a device is one of those that an application's role is limited to is remembered for this long; and of how many. */
  fittingDevicesSeconds: 5,
  fittingDevicesRemembered: 100_000,
  /** Bytes that wait for the applications of another node: as much as for a few subscribers together. */
  forwardQueueMaxBytes: 8 * 1024 * 1024,
  /** Batches under way to the applications of another node: one alone would wait for the answer to the one before it. */
  forwardBatchesUnderWay: 4,
  /** Filters by which one tenant's applications on a node are known to the others; more count as everything of the tenant. */
  interestFiltersPerTenant: 64,
  /** The same for all tenants: as many as fit into one message between nodes. */
  interestFilters: 4_096,
  /** Bytes read ahead from one device's socket while its earlier messages are not stored yet. */
  socketReadAheadBytes: 16 * 1024,
  /** Uplinks accepted and not yet settled in one process. Beyond it QoS 0 is dropped, then senders are cut off. */
  ingressMaxMessages: 50_000,
  ingressMaxBytes: 64 * 1024 * 1024,
  /** From this share of the ingress on, QoS 0 is dropped and health says `overloaded`. */
  ingressShedPercent: 50,
  /** One batch to the owner of its devices: what one NATS message carries. */
  batchMaxMessages: 5_000,
  batchMaxBytes: 512 * 1024,
  /** Batches under way to one owner. Fewer make messages wait for batches that they have nothing to do with. */
  batchesUnderWay: 16,
  /** Lanes of a host: each is a connection with one transaction at a time. */
  lanes: 2,
  /** Datapoints in one transaction: about 20 ms of COPY. */
  laneMaxDatapoints: 15_000,
  /** Payload bytes behind one transaction: a batch of large dead letters stays within one statement's time. */
  laneMaxBytes: 8 * 1024 * 1024,
  /** An uplink waits at most this long for its commit, then its sender is cut off without an acknowledgement. */
  commitPatienceSeconds: 15,
  /** A node that the database has not heard of for this long may lose its shards to others. */
  leaseSeconds: 10,
  /** How often the lease is prolonged: three attempts may fail. */
  leaseRenewalMs: 2_500,
  /** How long a lease must have run out before another node acts on it. */
  leaseGraceMs: 2_000,
  /** How often a node looks who owns what. */
  ownershipPollMs: 1_000,
  /** Healthy shards move only when the nodes have been the same for this long. */
  membershipStableSeconds: 15,
  /** Shards handed off at once: their devices wait meanwhile. */
  handOffShards: 32,
  /** A clock further from the database's than this would make wrong timestamps and wrong deadlines. */
  clockMaxSkewSeconds: 5,
  /** Messages for another node gather for this long after a batch left: a way over the bus costs as much as storing some messages. */
  batchGatherMs: 5,
  /** A batch without an answer is sent again after this; its owner knows it by its number. */
  batchRetryMs: 2_000,
  /** Senders whose batches an owner keeps in order. Beyond it the one that was silent longest is forgotten. */
  streamsMax: 4_096,
  /** Devices of a front node that died count as unknown for this long, and as offline only then. */
  presenceGraceSeconds: 60,
  /** Actors in memory: about 1 KiB each. The least recently used go first. */
  actorsMax: 1_000_000,
  actorIdleSeconds: 600,
  /** Devices loaded by one query. */
  activationBatch: 500,
  /** Uplinks that wait for one device to be loaded. */
  activationQueueMessages: 1_000,
  /** An actor that throws this often in a minute is quarantined for a minute. */
  actorThrowsPerMinute: 5,
  /** Commands of one device that have not ended: beyond it nobody reads what is asked any more. They are in memory with its actor. */
  deviceOpenCommands: 100,
  /** Their parameters together, as JSON text. */
  deviceOpenCommandsMaxBytes: 512 * 1024,
  /** Commands under way to one device at once, unless its registration says another number; and the largest such number. */
  commandWindow: 1,
  commandWindowMax: 10,
  /** Parameters of a command, as JSON text, and how deep they are nested. */
  commandParametersMaxBytes: 32 * 1024,
  commandParametersMaxDepth: 10,
  /** What a device answers to a command: result and error together, as JSON text. */
  commandAnswerMaxBytes: 32 * 1024,
  /** How long a command is tried when nobody says, and at most. */
  commandTtlSeconds: 24 * 3600,
  commandTtlMaxSeconds: 30 * 24 * 3600,
  /** A command in mode `retry` without an answer is sent again after this, then after twice that, and so on up to the second one. */
  commandRetryMs: 10_000,
  commandRetryMaxMs: 300_000,
  /** Transitions kept of one command: attempts of a month would be thousands. */
  commandMaxTransitions: 64,
  /** Commands sent to all devices together in any second, repetitions included: what devices and their network are built for. */
  commandsPerSecond: 5_000,
  /** Downlinks on their way to the connections of one other node. */
  downlinksPerNode: 10_000,
  downlinksPerNodeMaxBytes: 8 * 1024 * 1024,
  /** How long ended commands are kept, with all that happened to them. */
  commandKeepDays: 90,
  /** Callers of this process that wait for the answer of a device, and how long they may. */
  commandWaiters: 10_000,
  commandWaitMaxSeconds: 60,
  /** Commands that one request looks at for those that fit a filter which no index knows. */
  commandScanMaxRows: 10_000,
  /** Compiled schemas of commands in one process: at most 64 KiB each on average, so large ones take the place of several. */
  commandSchemasCached: 1_000,
  /** What a device type says, as JSON text: its schemas are compiled in the memory of each node that uses them. */
  deviceTypeMaxBytes: 64 * 1024,
  /** Commands of one device type: each schema takes milliseconds to compile. */
  deviceTypeMaxCommands: 100,
  /** Properties and capabilities of one device type: the schemas of all its properties are one. */
  deviceTypeMaxProperties: 100,
  deviceTypeMaxCapabilities: 50,
  /** Compiled schemas of properties in one process: some 2 MiB each at most. */
  propertySchemasCached: 100,
  /** Locations inside of each other, and assets: a country has some ten levels down to a shelf. */
  treeMaxLevels: 16,
  /** Devices that one request puts into a group. */
  groupRequestMaxDevices: 1_000,
  /** Devices of one job: its items are stored in one transaction. */
  jobMaxDevices: 100_000,
  /** Items of one job that a node hands to actors at once: a job must not take the ingress from the devices. */
  jobItemsUnderWay: 500,
  /** A job that a node took and says nothing of for this long is taken by another. */
  jobLeaseSeconds: 30,
  /** How often a node looks whether a job is due, and how long a job waits before it tries again what could not be done. */
  jobPollMs: 1_000,
  jobRetryMs: 5_000,
  /** Steps of twins, from which a twin is known as it was. */
  twinHistoryKeepDays: 90,
  /** How long events can be read. */
  eventKeepDays: 7,
  /** Events told to the services of all nodes at once, in one transaction. */
  eventRelayBatch: 500,
  /** Requests that wait for events in one process, and how long each may: less than what a proxy in front lets pass. */
  eventWaiters: 1_000,
  eventWaitMaxSeconds: 30,
  /** Events that one query looks at for those that fit a filter. */
  eventScanMaxRows: 10_000,
  /** Different refused acts that wait for the audit log in one process, and how often they are written: the same ones become one entry. */
  auditRefusedMax: 1_000,
  auditRefusedFlushMs: 2_000,
  /** Entries that one request computes the hashes of: about a second. */
  auditVerifyMaxEntries: 100_000,
  /** How long dead letters are kept. */
  deadLetterKeepDays: 30,
  /** REST. */
  requestMaxBytes: 1024 * 1024,
  /** A body from somebody who is not known yet. */
  requestPublicMaxBytes: 16 * 1024,
  requestTelemetryMaxItems: 1_000,
  headersMaxBytes: 16 * 1024,
  requestTimeoutSeconds: 30,
  listDefaultItems: 50,
  listMaxItems: 1_000,
  /** A page of a list ends earlier when its items are larger than this together, as JSON text. */
  pageMaxBytes: 1024 * 1024,
  /** Pages that one process reads from the database at once, and requests that wait for their turn: half of the connections are for others. */
  listsUnderWay: 4,
  listsWaiting: 1_000,
  idempotencyKeepHours: 24,
  deviceIdMaxLength: 64,
  metadataMaxBytes: 16 * 1024,
  /** Keys of one device that work, and tokens: enough to change one place after the other, few enough to be looked through. */
  deviceKeysMax: 10,
  deviceTokensMax: 50,
  /** How long the token of a new device is good, and at most any token of a device: one that is lost must not work for ever. */
  deviceTokenDays: 30,
  deviceTokenMaxDays: 365,
  /** How long the older keys go on working beside their successor when nobody says, and at most. */
  deviceKeyGraceSeconds: 3600,
  deviceKeyGraceMaxSeconds: 30 * 24 * 3600,
  /** Of those that have ended: how many of one device are kept, so that one that renews without end does not fill the disk. */
  deviceCredentialsKept: 100,
  /** How long keys and tokens of devices are shown after their end. */
  deviceCredentialKeepDays: 90,
  /** How often a device is to send, as it is told when it is provisioned. */
  deviceReportingIntervalSeconds: 60,
  /** Rows of one table that one statement erases: it holds their locks for a fraction of a second. */
  erasureBatchRows: 5_000,
  /** How often a node looks for devices to be erased. */
  erasurePollMs: 5_000,
  /** An erasure ends with a look at everything this long after it began: by then nothing of the device is under way any more. */
  erasureSettleMs: 30_000,
  /** Zero-touch batches of one organization, and the device ids that one of them lists. */
  provisioningBatches: 1_000,
  provisioningListedDevices: 1_000_000,
  /** Device ids that one request adds to a batch. */
  provisioningRequestMaxDevices: 10_000,
  /** Attempts to be provisioned from one address: a production line behind one address does ten in a second. */
  provisioningAttemptsPerMinute: 600,
  /** Claim codes that one user, and one address, may try: a person types one in some seconds. */
  claimAttemptsPerMinute: 30,
  /** A claim code that nobody used by then is good no more, unless it was made with another time. */
  claimCodeKeepDays: 30,
  /** One import. Its lines are stored first, then done. */
  importMaxLines: 100_000,
  importMaxBytes: 64 * 1024 * 1024,
  /** A longer line is refused by itself: everything that a device may say of itself fits. */
  importLineMaxBytes: 64 * 1024,
  /** Imports of one organization that have not ended. */
  importsUnderWay: 10,
  /** Lines of an import in one transaction: others wait as long for the database when it is embedded. */
  importPieceLines: 200,
  /** How long the new keys of an import can be read, and how long it is known what became of its lines. */
  importCredentialsKeepHours: 24,
  importKeepDays: 30,
  /** Verified keys that a process remembers, and for how long before it asks the database again. */
  keyCacheEntries: 100_000,
  keyCacheSeconds: 30,
  /** How often a node looks for what was revoked, and how far back: longer than any transaction takes that revokes something. */
  revocationPollMs: 1_000,
  revocationLookBackSeconds: 30,
  /** What was revoked lately, so that a connection which is being opened loses. With more, everybody is checked once more. */
  revocationsRemembered: 100_000,
  /** Logins. An access token is checked without the database for this long at most, whatever is lost on the bus. */
  accessTokenMinutes: 15,
  /** A login that is not used for this long ends; and each ends after the second one. */
  refreshTokenDays: 30,
  loginMaxDays: 90,
  /** Of one user at once: beyond it the one that was unused longest ends. */
  loginsPerUser: 50,
  /** How long it is known that there was one. */
  loginKeepDays: 30,
  /** Failed logins in `loginFailuresMinutes`: of an account from one address, of an account from anywhere, of an address for any account. */
  loginFailuresPerAccount: 10,
  loginFailuresPerAccountAnywhere: 100,
  loginFailuresPerAddress: 100,
  loginFailuresMinutes: 15,
  /** Accounts and addresses whose failures a process counts; Redis counts for all processes. */
  loginFailuresCounted: 100_000,
  /** Passwords whose hashes one process computes at once (32 MiB and a third of a second each), and that wait for it. */
  passwordHashesUnderWay: 2,
  passwordHashesWaiting: 20,
  /** Keys that sign tokens: how long each does, and how long a new one waits until all nodes know it. */
  signingKeyDays: 30,
  signingKeyLeadSeconds: 120,
  /** How often a node reads them, and how soon again for one that it does not know. */
  signingKeyReadSeconds: 30,
  signingKeyMissSeconds: 5,
  /** How often a node reads the keys that seal secrets, and how long a new one waits until all nodes know it. */
  dataKeyReadSeconds: 5,
  dataKeyLeadSeconds: 30,
  /** How long an older one stays after its successor began to seal: what a node is just storing may be sealed with it. */
  dataKeyKeepSeconds: 3_600,
  /** Data keys that there are at once: each is from one rotation, and goes when nothing is sealed with it. */
  dataKeysMax: 16,
  /** Secrets that are sealed anew in one transaction. */
  resealBatchSecrets: 200,
  /** The issuer of foreign tokens: how long it may take to answer, how long its keys are taken as they are, and when it is asked again. */
  oidcTimeoutMs: 3_000,
  oidcKeysMinutes: 60,
  oidcRetrySeconds: 10,
  /** Quotas of an organization that has none of its own (contracts/quotas.ts): what one of a few hundred on the same system may take. */
  tenantDevices: 1_000_000,
  tenantUsers: 10_000,
  tenantApiKeys: 1_000,
  tenantMessagesPerSecond: 50_000,
  tenantRequestsPerSecond: 2_000,
  /** Tenants whose quotas a process remembers, and for how long: a change of a quota counts everywhere after that. */
  quotaCacheTenants: 10_000,
  quotaCacheSeconds: 5,
  /** Roles that an organization makes itself: more than a person can tell apart. */
  tenantRoles: 500,
  /** Groups, types or tags that a role is limited to, of each: they are compared with each device that is looked at. */
  roleLimitMaxItems: 100,
  /** Roles of one user or API key: all of them are looked at with each request. */
  memberMaxRoles: 20,
  /** How long an API key may be made for at most, when it ends at all, and how long one that has ended is still shown. */
  apiKeyTtlMaxDays: 3_650,
  apiKeyKeepDays: 90,
  /** Credentials whose use is waiting to be written down, and how often that is done. Beyond it the next use counts. */
  lastUsedMaxCredentials: 10_000,
  lastUsedFlushMs: 5_000,
  /** How long a certificate of a device is good when nobody says, and at most; and its predecessor after it renewed it. */
  deviceCertificateDays: 365,
  deviceCertificateMaxDays: 1_825,
  certificateOverlapHours: 24,
  /** Certificates of one device that are good at once: a device that renews in a loop does not fill the table. */
  certificatesPerDevice: 20,
  /** How long one that is over is still shown. */
  certificateKeepDays: 90,
  /** A certificate signing request in PEM: one with the longest key has some 4 KiB. */
  csrMaxBytes: 16 * 1024,
  /** Certificates that one process makes at once. */
  certificatesUnderWay: 100,
  /** A list of revoked certificates is made anew after this, though nothing was revoked; and how many it may have: some 10 MiB. */
  revocationListKeepSeconds: 300,
  revocationListMaxCertificates: 200_000,
  /** Requests of one API key: a fleet can be registered, a loop without end is slowed. */
  keyRequestsPerSecond: 1_000,
  keyBurstRequests: 5_000,
  /**
   * Requests from one address (of IPv6: one network) without a good credential: logins, provisioning, wrong keys. It may be the address of
   * a whole site, so it is large; those whose credential is good do not count.
   */
  strangerRequestsPerSecond: 50,
  strangerBurstRequests: 1_000,
  /** An answer that Redis keeps for all nodes, where a service allows it, may be this old. */
  answerCacheSeconds: 5,
  /** Redis is asked before a request is answered, so one that does not answer must not cost much. */
  redisCommandTimeoutMs: 250,
  /** Twins that wait to be copied to Redis: what some transactions change at once. Beyond it the oldest copy is not made. */
  twinMirrorMaxDevices: 10_000,
  /** A database statement of a lane, and of anything else. */
  laneStatementTimeoutMs: 3_000,
  queryTimeoutMs: 10_000,
  databaseConnections: 8,
} as const;

export type Limits = { readonly [K in keyof typeof LIMITS]: number };

/** `deviceMessagesPerSecond` -> `SKEIN_LIMIT_DEVICE_MESSAGES_PER_SECOND`. */
export const limitVariable = (name: string): string =>
  `SKEIN_LIMIT_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`;
