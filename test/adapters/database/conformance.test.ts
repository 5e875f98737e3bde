import { databaseConformance } from './conformance.ts';
import { ENGINE_NAMES, ENGINES } from './engines.ts';

for (const name of ENGINE_NAMES) databaseConformance(name, ENGINES[name]);
