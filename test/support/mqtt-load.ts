/** Starts the process that makes MQTT load (bench/load/generator.ts) and speaks with it. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Ledger } from '../../bench/load/ack-ledger.ts';
import type {
  DeviceReport,
  LoadAnswers,
  LoadCommand,
  LoadOptions,
  LoadReply,
  LoadReport,
  LoadRequest,
  Phase,
  Ports,
} from '../../bench/load/load.ts';

export type Load = {
  readonly pid: number;
  /** Begins a phase: resets the counts and the latencies. */
  begin(phase: Phase): Promise<void>;
  /** Sends nothing new until the next `begin`. False: after `timeoutMs` some messages still had no PUBACK. */
  drain(timeoutMs: number): Promise<boolean>;
  /** Connections opened from now on go to this port. */
  moveTo(port: Ports): Promise<void>;
  report(): Promise<LoadReport>;
  /** What `devices` says of waits is counted from now on. */
  mark(): Promise<void>;
  /** In the order of the devices given. */
  devices(): Promise<DeviceReport[]>;
  ledger(): Promise<Ledger>;
  stop(): Promise<void>;
};

const GENERATOR = new URL('../../bench/load/generator.ts', import.meta.url);

/** Resolves when every device is connected. Rejects after `connectTimeoutMs`, or when the process ends early. */
export async function startLoad(
  options: Partial<LoadOptions> & Pick<LoadOptions, 'port' | 'devices'>,
  connectTimeoutMs = 60_000,
): Promise<Load> {
  const child = fork(GENERATOR, [], { serialization: 'advanced', execArgv: [] });
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const ask = asker(child);
  const stop = async () => {
    await ask({ do: 'stop' }).catch(() => child.kill('SIGKILL'));
    await exited;
  };
  const defaults = { window: 20, reconnectDelayMs: 50, keepAliveSeconds: 300 };
  const timeout = AbortSignal.timeout(connectTimeoutMs);
  try {
    await Promise.race([
      ask({ do: 'connect', options: { ...defaults, ...options } }),
      new Promise((_, reject) => {
        timeout.onabort = () => reject(new Error(`Not every device was connected within ${connectTimeoutMs} ms`));
      }),
    ]);
  } catch (error) {
    child.kill('SIGKILL');
    await exited;
    throw error;
  } finally {
    timeout.onabort = null;
  }
  return {
    pid: child.pid!,
    begin: phase => ask({ do: 'begin', phase }),
    drain: timeoutMs => ask({ do: 'drain', timeoutMs }),
    moveTo: port => ask({ do: 'moveTo', port }),
    mark: () => ask({ do: 'mark' }),
    devices: () => ask({ do: 'devices' }),
    report: () => ask({ do: 'report' }),
    ledger: () => ask({ do: 'ledger' }),
    stop,
  };
}

function asker(child: ChildProcess) {
  let lastId = 0;
  const waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  child.on('message', ({ id, answer, error }: LoadReply) => {
    const it = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) it?.resolve(answer);
    else it?.reject(new Error(error));
  });
  child.once('exit', (code, signal) => {
    for (const it of waiting.values()) it.reject(new Error(`The generator ended (${code ?? signal})`));
    waiting.clear();
  });
  return <C extends LoadCommand>(command: C): Promise<LoadAnswers[C['do']]> =>
    new Promise((resolve, reject) => {
      const request: LoadRequest = { id: ++lastId, command };
      waiting.set(request.id, { resolve: resolve as (answer: unknown) => void, reject });
      child.send(request, error => {
        if (!error) return;
        waiting.delete(request.id);
        reject(error);
      });
    });
}
