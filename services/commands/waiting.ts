/** Waits until a command has ended: mostly somebody tells, and who was not told finds it in the database. */
import type { CommandRecord } from '../../contracts/commands.ts';
import type { Wait, Waiters } from '../../mixins/waiters.ts';

/** How long after its end a command is known to who was not told of it. */
const LOOK_EVERY_MS = 1_000;

type Look = (id: string) => Promise<CommandRecord | undefined>;

/**
 * The command as it ended; undefined: the time is over, or the wait was cancelled.
 *
 * @param ended finds the command if it has ended
 */
export async function endOf(wait: Wait, id: string, waiters: Waiters, ended: Look): Promise<CommandRecord | undefined> {
  const look = async (): Promise<void> => {
    const found = await ended(id);
    if (found !== undefined) waiters.tell([found]);
  };
  // A look that fails is made good by the next one.
  const looking = setInterval(() => look().catch(() => {}), LOOK_EVERY_MS);
  try {
    return await wait.ended;
  } finally {
    clearInterval(looking);
  }
}
