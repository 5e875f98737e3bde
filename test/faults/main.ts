/**
 * Long runs. Of telemetry: npm run test:faults -- --kills 200 --engine pglite|postgres --seed 1
 * Of full disks: npm run test:faults -- disk
 * Of commands: npm run test:faults -- commands --kills 1000 --engine pglite|postgres --seed 1
 */
import { runCommandsByHand } from './commands/commands-main.ts';
import { runDisks } from './disk/disk-main.ts';
import { runTelemetry } from './telemetry-main.ts';

const [first, ...rest] = process.argv.slice(2);
if (first === 'disk') await runDisks();
else await (first === 'commands' ? runCommandsByHand(rest) : runTelemetry(process.argv.slice(2)));
