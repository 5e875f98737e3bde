/** Messages, connections, actors, commands, jobs, events: what devices do and are asked to do. */
export const DEVICE_LIMITS = {
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
  /** What types of devices say of measured values, in the memory of one node. Beyond it devices of the type used least recently are loaded again. */
  typeRulesMaxBytes: 64 * 1024 * 1024,
  /** How often a node looks for types that changed: nothing depends on the message about it. */
  typeRulesPollMs: 5_000,
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
} as const;
