/**
 * Who may connect: checks the key of a CONNECT, has a device's actor open its session, and only then lets it in. The
 * refusals are written here, because aedes knows four return codes only.
 */

import type { Client } from 'aedes';
import type { DevicePrincipal, Principal } from '../../../contracts/access.contract.ts';
import { deviceAddress } from '../../../contracts/addresses.ts';
import { errorTypeOf } from '../../../contracts/errors.ts';
import { jsonPayload } from '../../../contracts/json.ts';
import type { DeviceAddress, Outcome } from '../../../contracts/uplinks.ts';
import { giveSession } from './aedes-internals.ts';
import { checkCredential, type Shown, type Verified, type Verify } from './connect-check.ts';
import type { Origin } from './listeners.ts';
import { type ConnectRefusal, REFUSED_CONNECTS } from './reasons.ts';
import type { Session, Surroundings } from './session.ts';
import type { Sessions } from './sessions.ts';
import { UnderWay } from './under-way.ts';

type Admit = (error: null, successful: true) => void;
/** A CONNECT on its way through the gate, whose credential is good. `name`: whose connects are counted together. */
type Knock = {
  readonly client: Client;
  readonly admit: Admit;
  readonly name: string;
  readonly revocationsBefore: number;
};

export class ConnectGate {
  readonly #around: Surroundings;
  readonly #sessions: Sessions;
  readonly #connections: ReadonlyMap<Client, Origin>;
  readonly #opening = new UnderWay();
  #checking = 0;
  #isShut = false;

  /** @param connections all open connections, those that knock included */
  constructor(around: Surroundings, sessions: Sessions, connections: ReadonlyMap<Client, Origin>) {
    this.#around = around;
    this.#sessions = sessions;
    this.#connections = connections;
  }

  /** Nobody is let in any more. */
  shut(): void {
    this.#isShut = true;
  }

  /** Resolves when no session is being opened. */
  idle(): Promise<void> {
    return this.#opening.idle();
  }

  /** aedes' `authenticate` hook. `admit` is called only when the client is let in. */
  check(client: Client, username: string | undefined, password: Uint8Array | undefined, admit: Admit): void {
    const { connectionsMax, authenticationsUnderWay, clientIdMaxLength } = this.#around.host.limits;
    if (this.#isShut) return this.#refuse(client, 'unavailable');
    if (client.id.length > clientIdMaxLength) return this.#refuse(client, 'client_id_too_long');
    const shown = this.#shownBy(client, username, password);
    if (shown === undefined) return this.#refuse(client, 'no_credentials');
    if (this.#connections.size > connectionsMax) return this.#refuse(client, 'too_many_connections');
    if (this.#checking + this.#opening.count >= authenticationsUnderWay) return this.#refuse(client, 'busy');
    this.#verify(client, admit, shown);
  }

  /** Whoever showed a certificate is meant by that: its username may be left out, else it must fit, and its password does not count. */
  #shownBy(client: Client, username: string | undefined, password: Uint8Array | undefined): Shown | undefined {
    const { host } = this.#around;
    const { certificate } = this.#connections.get(client)!;
    const { certificates } = host;
    if (certificate !== undefined && certificates !== undefined) {
      const verify: Verify = (presented, isFresh) =>
        certificates.authenticate(certificate, username || undefined, presented, isFresh);
      return { bytes: Buffer.from(certificate.fingerprint), verify };
    }
    if (!username || !password?.length) return undefined;
    const key = Buffer.from(password).toString('utf8');
    return { bytes: password, verify: (presented, isFresh) => host.authenticate(key, username, presented, isFresh) };
  }

  #verify(client: Client, admit: Admit, shown: Shown): void {
    this.#checking++;
    const { peer } = this.#connections.get(client)!;
    checkCredential(shown, peer, this.#around.host.connectLimits, this.#sessions.revocations)
      .finally(() => this.#checking--)
      .then(
        verified => this.#known(client, admit, verified),
        error => this.#refuse(client, refusalOf(error)),
      )
      .catch(err => this.#failed(client, err));
  }

  #known(client: Client, admit: Admit, { principal, revocationsBefore }: Verified): void {
    if (client.closed) return;
    if (this.#isShut) return this.#refuse(client, 'unavailable');
    const name = nameOf(principal, client.id);
    if (!this.#around.host.connectLimits.mayConnect(name)) return this.#refuse(client, 'connect_rate');
    const knock = { client, admit, name, revocationsBefore };
    if (principal.kind === 'device') return this.#openDevice(knock, principal);
    const session = this.#sessions.openApplication(client, principal, revocationsBefore);
    if (typeof session === 'string') this.#refuse(client, 'wrong_credentials');
    else this.#letIn(knock, session);
  }

  /** The actor of the device numbers its sessions, and stores which is the newest: that comes before CONNACK. */
  #openDevice(knock: Knock, principal: DevicePrincipal): void {
    const { host } = this.#around;
    const address = deviceAddress(principal.tenant, principal.device);
    const { instanceId, address: at, nodeId } = host.place;
    const { protocol, peer } = this.#connections.get(knock.client)!;
    const payload = jsonPayload({ instanceId, address: at, nodeId, protocol, peer });
    this.#opening.begin();
    host.ingress.receive(
      { address, session: 0, receivedAtMs: host.now(), kind: 'connected', topic: '', contentType: '', payload },
      outcome => {
        try {
          this.#opened(knock, principal, address, outcome);
        } catch (err) {
          this.#failed(knock.client, err);
        } finally {
          this.#opening.end();
        }
      },
    );
  }

  #opened(knock: Knock, principal: DevicePrincipal, address: DeviceAddress, outcome: Outcome): void {
    const { client, name, revocationsBefore } = knock;
    const { host, departures } = this.#around;
    if (outcome.state !== 'opened') {
      host.connectLimits.cameToNothing(name);
      return this.#refuse(client, refusalOfOutcome(outcome));
    }
    const { session: number, replaced } = outcome;
    if (replaced !== null && replaced.instanceId !== host.place.instanceId)
      host.closeElsewhere(replaced.address, {
        tenant: address.tenant,
        device: address.device,
        session: replaced.session,
      });
    // The connection may have ended meanwhile, and then nobody else says so.
    if (client.closed) return departures.tell(address, number, 'connection_lost');
    const session = this.#sessions.openDevice(client, principal, number, revocationsBefore);
    if (typeof session !== 'string') return this.#letIn(knock, session);
    departures.tell(address, number, session);
    this.#refuse(client, session === 'revoked' ? 'wrong_credentials' : 'unavailable');
  }

  #letIn({ client, admit }: Knock, session: Session): void {
    giveSession(client, session);
    // Inside aedes no two connections have the same name, so it never closes one for another: `sessions` does.
    client.id = `${session.key} ${session.number}`;
    admit(null, true);
  }

  #failed(client: Client, err: unknown): void {
    this.#around.host.log.error({ err }, 'a connection could not be admitted');
    client.close();
  }

  /** Sections 3.2.2.2 of both versions; in MQTT 5 an empty list of properties follows the reason code. */
  #refuse(client: Client, refusal: ConnectRefusal): void {
    if (client.closed) return;
    this.#around.figures.refusedConnects++;
    if (refusal === 'connect_rate') this.#around.figures.connectsTooOften++;
    const { v4, v5 } = REFUSED_CONNECTS[refusal];
    const connack = client.version === 5 ? [0x20, 3, 0, v5, 0] : [0x20, 2, 0, v4];
    client.conn.write(Uint8Array.from(connack), () => client.close());
  }
}

/** What is neither about the key nor about the device is ours: the client may come again. */
function refusalOf(error: unknown): ConnectRefusal {
  const type = errorTypeOf(error);
  if (type === 'unauthorized') return 'wrong_credentials';
  if (type === 'forbidden' || type === 'lifecycle_conflict') return 'not_authorized';
  if (type === 'rate_limited') return 'connect_rate';
  return type === 'overloaded' ? 'busy' : 'unavailable';
}

/** Whose connects are counted together. No one but who has the credential takes from it. */
const nameOf = (principal: Principal, clientId: string): string =>
  principal.kind === 'device'
    ? `device ${principal.tenant}/${principal.device}`
    : `${principal.kind} ${principal.tenant}/${principal.id}/${clientId}`;

function refusalOfOutcome(outcome: Outcome): ConnectRefusal {
  if (outcome.state === 'overloaded') return 'busy';
  const isForbidden =
    outcome.state === 'rejected' && (outcome.reason === 'device_inactive' || outcome.reason === 'device_unknown');
  return isForbidden ? 'not_authorized' : 'unavailable';
}
