/** What must be when a fleet comes back, and whether it is. */
import { whole } from '../../measure/table.ts';
import type { Verdict } from '../../measure/verdicts.ts';
import type { ReturnFigures } from './return-run.ts';

/** `pace`: commands a second for all devices together. */
export type ReturnRun = {
  readonly nodes: number;
  readonly devices: number;
  readonly commands: number;
  readonly pace: number;
  readonly figures: ReturnFigures;
};

export const nameOf = ({ nodes, devices, commands, pace }: ReturnRun): string =>
  `${nodes === 1 ? 'one process' : `${nodes} nodes`}, ${whole(devices)} x ${commands}, ${whole(pace)}/s`;

export function judgeReturn(run: ReturnRun): Verdict[] {
  const { arrivals, stored, mostArrivedInASecond, mostSentInASecond } = run.figures;
  const all = run.devices * run.commands;
  const succeeded = stored.states.succeeded ?? 0;
  const pace = `at most ${whole(run.pace)}`;
  const verdict = (figure: string, target: string, measured: number, met: boolean): Verdict => ({
    ...{ figure: `${nameOf(run)}: ${figure}`, target, measured: whole(measured), met },
  });
  return [
    verdict('commands that devices got', whole(all), arrivals.commands, arrivals.commands === all),
    verdict('commands stored as succeeded', whole(all), succeeded, succeeded === all),
    verdict('commands out of order', '0', arrivals.disordered, arrivals.disordered === 0),
    verdict('sent in any second, as stored', pace, mostSentInASecond, mostSentInASecond <= run.pace),
    verdict('arrived in any second', pace, mostArrivedInASecond, mostArrivedInASecond <= run.pace),
  ];
}
