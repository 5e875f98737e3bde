/** Thousands of connects within seconds, a third of them with wrong keys: what the devices feel that were connected before. */
import type { Percentiles } from './load/histogram.ts';
import { forEachEngine } from './measure/engines.ts';
import { readFlagsOrShort } from './measure/flags.ts';
import { saveResult } from './measure/results.ts';
import type { Databases } from './measure/subject-home.ts';
import { makeReal } from './measure/subjects.ts';
import { decimals, table, whole } from './measure/table.ts';
import { measureStorm, type StormRun } from './storm/storm-run.ts';

export const FLAGS = { connects: 10_000, wrongPercent: 33, seconds: 10, steady: 200, rate: 1_000, engine: 'postgres' };
export const SHORT = { connects: 1_500, seconds: 3 };

export async function run(args: readonly string[]): Promise<void> {
  const flags = readFlagsOrShort(args, FLAGS, SHORT);
  await forEachEngine(flags.engine, async (engine, databases) => {
    const result = await measure(flags, databases);
    print(result);
    await saveResult(`storm-${engine}`, { options: flags, ...result });
  });
}

type Options = Record<'connects' | 'wrongPercent' | 'seconds' | 'steady' | 'rate', number>;

async function measure(options: Options, databases: Databases | undefined): Promise<StormRun> {
  const subject = await makeReal(databases);
  try {
    // The first start makes the schema that the devices are written to.
    await (await subject.start()).stop();
    const wrong = Math.round((options.connects * options.wrongPercent) / 100);
    const devices = await subject.seed(options.steady + options.connects - wrong);
    const server = await subject.start();
    try {
      return await measureStorm({
        port: server.mqttPort,
        steady: devices.slice(0, options.steady),
        messagesPerSecond: options.rate,
        coming: devices.slice(options.steady),
        wrong,
        withinMs: options.seconds * 1_000,
        quietMs: options.seconds * 1_000,
      });
    } finally {
      await server.stop();
    }
  } finally {
    await subject.remove();
  }
}

function print({ storm, before, during, sent, acknowledged, lost }: StormRun): void {
  const row = (name: string, { p50, p99, max }: Percentiles) => [name, ...[p50, p99, max].map(it => decimals(it, 1))];
  console.log(
    table(
      ['ms', 'p50', 'p99', 'max'],
      [
        row('PUBACK before', before),
        row('PUBACK during the storm', during),
        row('CONNECT to CONNACK, good keys', storm.waits),
      ],
    ),
  );
  console.log(`\nConnected before: ${whole(acknowledged)} of ${whole(sent)} acknowledged, ${lost} connections lost`);
  console.log(
    `Good keys: ${whole(storm.letIn)} in, ${whole(storm.atOnce)} at the first try, the last after ${decimals(storm.lastInMs / 1_000, 1)} s`,
  );
  console.log(`Answers to wrong keys, by CONNACK code: ${JSON.stringify(storm.wrongAnswers)}`);
}
