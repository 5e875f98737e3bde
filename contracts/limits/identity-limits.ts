/** Credentials, logins, certificates, provisioning, quotas, audit: who is who, and how much each may. */
export const IDENTITY_LIMITS = {
  /** Different refused acts that wait for the audit log in one process, and how often they are written: the same ones become one entry. */
  auditRefusedMax: 1_000,
  auditRefusedFlushMs: 2_000,
  /** Entries that one request computes the hashes of: about a second. */
  auditVerifyMaxEntries: 100_000,
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
  tenantMessagesPerSecond: 1_000_000,
  tenantRequestsPerSecond: 20_000,
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
  /** Of one provisioning batch: one for each line that makes its devices, and their successors. */
  certificatesPerBatch: 20,
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
} as const;
