/**
 * Who may connect: checks the key of a CONNECT, and opens its session. The refusals are written here, because aedes knows
 * four return codes only.
 */
import type { Client } from 'aedes';
import type { Principal } from '../../../contracts/access.contract.ts';
import { errorTypeOf } from '../../../contracts/errors.ts';
import { giveSession } from './aedes-internals.ts';
import { type ConnectRefusal, REFUSED_CONNECTS } from './reasons.ts';
import type { Surroundings } from './session.ts';
import type { Sessions } from './sessions.ts';

type Admit = (error: null, successful: true) => void;

export class ConnectGate {
  readonly #around: Surroundings;
  readonly #sessions: Sessions;
  readonly #connections: { readonly size: number };
  #underWay = 0;

  /** @param connections all open connections, this one included */
  constructor(around: Surroundings, sessions: Sessions, connections: { readonly size: number }) {
    this.#around = around;
    this.#sessions = sessions;
    this.#connections = connections;
  }

  /** aedes' `authenticate` hook. `admit` is called only when the client is let in. */
  check(client: Client, username: string | undefined, password: Uint8Array | undefined, admit: Admit): void {
    const { connectionsMax, authenticationsUnderWay, clientIdMaxLength } = this.#around.host.limits;
    if (client.id.length > clientIdMaxLength) return this.#refuse(client, 'client_id_too_long');
    if (!username || !password?.length) return this.#refuse(client, 'no_credentials');
    if (this.#connections.size > connectionsMax) return this.#refuse(client, 'too_many_connections');
    if (this.#underWay >= authenticationsUnderWay) return this.#refuse(client, 'busy');
    this.#underWay++;
    const revocationsBefore = this.#sessions.revocationsSoFar;
    const checked = async () => this.#around.host.authenticate(Buffer.from(password).toString('utf8'), username);
    checked()
      .finally(() => this.#underWay--)
      .then(
        principal => this.#admit(client, principal, revocationsBefore, admit),
        error => this.#refuse(client, refusalOf(error)),
      )
      .catch(err => {
        this.#around.host.log.error({ err }, 'a connection could not be admitted');
        client.close();
      });
  }

  #admit(client: Client, principal: Principal, revocationsBefore: number, admit: Admit): void {
    if (client.closed) return;
    const session = this.#sessions.open(client, principal, revocationsBefore);
    if (session === undefined) return this.#refuse(client, 'wrong_credentials');
    giveSession(client, session);
    // Inside aedes no two connections have the same name, so it never closes one for another: `sessions` does.
    client.id = `${session.key} ${session.number}`;
    admit(null, true);
  }

  /** Sections 3.2.2.2 of both versions; in MQTT 5 an empty list of properties follows the reason code. */
  #refuse(client: Client, refusal: ConnectRefusal): void {
    if (client.closed) return;
    this.#around.figures.refusedConnects++;
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
  return type === 'overloaded' || type === 'rate_limited' ? 'busy' : 'unavailable';
}
