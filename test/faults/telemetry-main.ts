/** A long run of the ledger test. */
import { parseArgs } from 'node:util';
import { SUBJECTS } from '../../bench/measure/subjects.ts';
import { runFaults } from './fault-run.ts';

/** Sets the exit code. */
export async function runTelemetry(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '200' },
      engine: { type: 'string', default: 'pglite' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      /** `bare`: the reference of the benchmarks, to try this test itself. */
      subject: { type: 'string', default: 'real' },
      /** Acknowledge before the commit: the run must then find missing messages. */
      unsafe: { type: 'boolean', default: false },
    },
  });
  const engine = (['pglite', 'postgres'] as const).find(it => it === values.engine);
  const subject = SUBJECTS.find(it => it === values.subject);
  if (!engine || !subject) throw new Error('--engine is pglite or postgres, --subject is real or bare');

  const options = { engine, subject, kills: Number(values.kills), seed: Number(values.seed) };
  console.log(options);
  const began = performance.now();
  const env: Record<string, string> = values.unsafe ? { SKEIN_UNSAFE_ACKNOWLEDGE_BEFORE_COMMIT: 'yes' } : {};
  const { findings, ...report } = await runFaults({ ...options, env, log: console.log });
  console.log(String(findings));
  console.log({ ...report, seconds: Math.round((performance.now() - began) / 1_000) });
  // Every message is well made, so one that was refused and put aside was not stored as promised.
  const kept = findings.kept && report.drained && Object.keys(report.deadLetters).length === 0;
  console.log(kept ? 'Every promise was kept.' : 'PROMISES WERE BROKEN.');
  process.exitCode = kept ? 0 : 1;
}
