/** Says before the start what is wrong with NATS. Moleculer would try for ever, and its start would not end. */
import { connect, ErrorCode } from 'nats';
import { natsOptions } from './nats-options.ts';

/** Connects and leaves again. Rejects with a sentence for the operator; it has no password in it. */
export async function reachNats(natsUrl: string): Promise<void> {
  const options = natsOptions(natsUrl, 'skein start');
  const servers = options.servers.join(' or ');
  try {
    const connection = await connect(options as Parameters<typeof connect>[0]);
    await connection.close();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    throw new Error(sentence(servers, code ?? message), { cause: error });
  }
}

function sentence(servers: string, code: string): string {
  if (code === ErrorCode.AuthorizationViolation || code === ErrorCode.AuthenticationExpired)
    return `The NATS server at ${servers} does not accept the user and password of NATS_URL`;
  if (code === ErrorCode.ServerOptionNotAvailable)
    return `The NATS server at ${servers} has no TLS, and NATS_URL says tls://`;
  return `No NATS server can be reached at ${servers} (${code})`;
}
