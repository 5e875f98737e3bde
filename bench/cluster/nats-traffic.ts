/** What went through a NATS server, by its own account: https://docs.nats.io/running-a-nats-service/nats_admin/monitoring */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import { startNats } from '../../test/support/nats.ts';

/** `in`: what nodes published. `out`: what they were given. Bytes are those of the messages, without the protocol's lines around them. */
export type NatsTraffic = {
  readonly inBytes: number;
  readonly outBytes: number;
  readonly inMessages: number;
  readonly outMessages: number;
};

export type WatchedNats = {
  readonly url: string;
  readonly pid: number;
  /** Since its start. */
  traffic(): Promise<NatsTraffic>;
  stop(): Promise<void>;
};

/** @param folder for its process id */
export async function startWatchedNats(folder: string): Promise<WatchedNats> {
  const monitorPort = await freePort();
  const pidFile = join(folder, 'nats.pid');
  const server = await startNats({ args: ['--http_port', String(monitorPort), '--pid', pidFile] });
  return {
    url: server.url,
    pid: Number(await readFile(pidFile, 'utf8')),
    async traffic() {
      const response = await fetch(`http://127.0.0.1:${monitorPort}/varz`);
      const it = (await response.json()) as Record<'in_bytes' | 'out_bytes' | 'in_msgs' | 'out_msgs', number>;
      return { inBytes: it.in_bytes, outBytes: it.out_bytes, inMessages: it.in_msgs, outMessages: it.out_msgs };
    },
    stop: () => server.stop(),
  };
}
