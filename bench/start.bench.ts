/** How long from `npm start` (and from `node main.ts`) until the first device is let in. */
import { forEachEngine } from './measure/engines.ts';
import { COMMANDS, type Command, timeToConnack } from './measure/first-connack.ts';
import { readFlags } from './measure/flags.ts';
import { realSubject } from './measure/real-subject.ts';
import { saveResult } from './measure/results.ts';
import { spread } from './measure/statistics.ts';
import { type Databases, type Home, makeHome } from './measure/subject-home.ts';
import { inSpread, table, whole } from './measure/table.ts';

export const FLAGS = { runs: 5, devices: 100_000, engine: 'both' };

type Times = Record<'empty' | 'second' | 'seeded', Record<Command, number[]>>;
const commands = Object.keys(COMMANDS) as Command[];
const noTimes = (): Record<Command, number[]> => ({ 'npm start': [], 'node main.ts': [] });

export async function run(args: readonly string[]): Promise<void> {
  const { engine: engines, runs, devices } = readFlags(args, FLAGS);
  await forEachEngine(engines, async (engine, databases) => {
    const times: Times = { empty: noTimes(), second: noTimes(), seeded: noTimes() };
    for (let i = 0; i < runs; i++) await measureNewAndSecond(databases, times);
    await measureSeeded(databases, runs, devices, times);
    print(engine, devices, times);
    await saveResult(`start-${engine}`, { engine, runs, devices, milliseconds: times });
  });
}

const settings = ({ url }: Home): Record<string, string> => (url ? { DATABASE_URL: url } : {});

/** The commands by turns, each on its own new folder and database. */
async function measureNewAndSecond(databases: Databases | undefined, times: Times): Promise<void> {
  for (const command of commands) {
    const home = await makeHome('real', databases);
    try {
      times.empty[command].push(await timeToConnack(command, home.folder, settings(home)));
      times.second[command].push(await timeToConnack(command, home.folder, settings(home)));
    } finally {
      await home.remove();
    }
  }
}

async function measureSeeded(databases: Databases | undefined, runs: number, devices: number, times: Times) {
  const home = await makeHome('real', databases);
  try {
    // The first start makes the schema that the devices are written to.
    await timeToConnack('node main.ts', home.folder, settings(home));
    await realSubject(home, {}).seed(devices);
    for (let i = 0; i < runs; i++)
      for (const command of commands)
        times.seeded[command].push(await timeToConnack(command, home.folder, settings(home)));
  } finally {
    await home.remove();
  }
}

function print(engine: string, devices: number, times: Times): void {
  const rows = {
    empty: 'an empty folder',
    second: 'the second start',
    seeded: `a folder with ${whole(devices)} devices`,
  };
  console.log(`\n## ${engine}: milliseconds to the first CONNACK, median (smallest to largest)`);
  console.log(
    table(
      ['', ...commands],
      Object.entries(rows).map(([when, what]) => [
        what,
        ...commands.map(command => inSpread(spread(times[when as keyof Times][command]), whole)),
      ]),
    ),
  );
}
