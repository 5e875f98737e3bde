/** The negative control of the tests with commands: a ring that is switched off. */
import type { CommandMemory } from '../../clients/device/commands/command-ring.ts';

export const forgetful: CommandMemory = {
  open: async () => {},
  find: () => undefined,
  all: () => [],
  hasRoom: () => true,
  started: async () => {},
  answered: async () => {},
  settled: () => {},
  close: async () => {},
};
