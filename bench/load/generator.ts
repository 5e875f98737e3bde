/** The process that makes load. Started by `startLoad` with an IPC channel; see load.ts for what it takes and answers. */
import { DeviceConnection } from './device-connection.ts';
import type { DeviceReport, LoadCommand, LoadReply, LoadReport, LoadRequest } from './load.ts';
import { LoadRun } from './load-run.ts';

/** Connections being opened at the same time: less than any listen backlog. */
const CONNECTING_AT_ONCE = 64;
const TICK_MS = 1;
const SILENCE_CHECK_MS = 100;

let run: LoadRun;
let connections: DeviceConnection[] = [];
let ticker: NodeJS.Timeout | undefined;
let silenceCheck: NodeJS.Timeout | undefined;
let nextVisit = 0;

async function connectAll(): Promise<void> {
  mark();
  if (run.options.silenceTimeoutMs !== undefined) silenceCheck = setInterval(endSilentOnes, SILENCE_CHECK_MS);
  const waiting = connections.values();
  const opener = async () => {
    for (const connection of waiting) await connection.start();
  };
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, opener));
}

function endSilentOnes(): void {
  const nowMs = performance.now();
  for (const connection of connections) connection.endIfSilent(nowMs);
}

function mark(): void {
  const nowMs = performance.now();
  for (const connection of connections) connection.waits.mark(nowMs);
}

function devices(): DeviceReport[] {
  const nowMs = performance.now();
  return connections.map(connection => connection.report(nowMs));
}

/** Visits the connections that became due since the last tick, each once. */
function tick(): void {
  const nowMs = performance.now();
  if (run.phase.pace.kind === 'open') {
    const due = Math.floor(((nowMs - run.phaseBeganMs) / run.intervalMs) * connections.length) + 1;
    const visits = Math.min(due - nextVisit, connections.length);
    for (let i = 0; i < visits; i++) connections[(nextVisit + i) % connections.length]!.pump(nowMs);
    nextVisit = due;
  }
}

function begin(): void {
  nextVisit = 0;
  clearInterval(ticker);
  const { pace } = run.phase;
  if (pace.kind === 'open') ticker = setInterval(tick, TICK_MS);
  for (const connection of connections) connection.pump(performance.now());
}

async function drain(timeoutMs: number): Promise<boolean> {
  clearInterval(ticker);
  run.phase = { ...run.phase, pace: { kind: 'idle' } };
  const endMs = performance.now() + timeoutMs;
  while (run.inFlight > 0 && performance.now() < endMs) await new Promise(resolve => setTimeout(resolve, 2));
  return run.inFlight === 0;
}

function report(): LoadReport {
  const { sent, sentQos0, skipped, acknowledged, inFlight, connected, reconnects, lost, timeouts, refusals } = run;
  return {
    ...{ sent, sentQos0, skipped, acknowledged, inFlight, connected, reconnects, lost, timeouts, refusals },
    activeSeconds: (run.lastAckMs - run.phaseBeganMs) / 1_000,
    latency: run.latency.percentiles(),
  };
}

async function answer(command: LoadCommand): Promise<unknown> {
  switch (command.do) {
    case 'connect':
      run = new LoadRun(command.options);
      connections = command.options.devices.map((_, index) => new DeviceConnection(run, index));
      return connectAll();
    case 'begin':
      run.begin(command.phase);
      return begin();
    case 'drain':
      return drain(command.timeoutMs);
    case 'moveTo':
      return run.moveTo(command.port);
    case 'report':
      return report();
    case 'mark':
      return mark();
    case 'devices':
      return devices();
    case 'ledger':
      return run.ledger.entries(connections.map(connection => connection.sent));
    case 'stop':
      clearInterval(ticker);
      clearInterval(silenceCheck);
      if (run) run.stopping = true;
      for (const connection of connections) connection.stop();
  }
}

process.on('message', async ({ id, command }: LoadRequest) => {
  const reply: LoadReply = await answer(command).then(
    it => ({ id, answer: it }),
    (error: Error) => ({ id, error: error.message }),
  );
  process.send!(reply, () => {
    if (command.do === 'stop') process.disconnect();
  });
});
// Without its parent nobody wants the load.
process.on('disconnect', () => process.exit(0));
