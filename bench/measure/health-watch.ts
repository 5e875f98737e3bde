/** Asks a running system every second how it is, as its administrator, and notes when the answer changes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Skein } from '../../test/support/skein.ts';

const EVERY_MS = 1_000;
const ANSWER_TIMEOUT_MS = 5_000;

export type HealthChange = { readonly atSeconds: number; readonly says: string };

export function watchHealth({ httpPort, adminKey }: Pick<Skein, 'httpPort' | 'adminKey'>) {
  const changes: HealthChange[] = [];
  const beganMs = performance.now();
  const look = async () => {
    const says = await ask(httpPort, adminKey);
    if (changes.at(-1)?.says !== says) changes.push({ atSeconds: (performance.now() - beganMs) / 1_000, says });
    return says;
  };
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      await look();
      await sleep(EVERY_MS);
    }
  })();
  return {
    changes,
    /** Seconds since the watch began, as in `changes`. */
    nowSeconds: () => (performance.now() - beganMs) / 1_000,
    /** Ends the watch with the first healthy answer, and says when that was; undefined: not within `timeoutMs`. */
    async untilHealthy(timeoutMs: number): Promise<number | undefined> {
      stopped = true;
      await watching;
      const endMs = performance.now() + timeoutMs;
      while ((await look()) !== 'healthy') {
        if (performance.now() > endMs) return undefined;
        await sleep(100);
      }
      return changes.at(-1)!.atSeconds;
    },
  };
}

type Part = { condition: string; detail?: string };

/** `healthy`, or what is wrong with which part. Figures in a detail would make every answer a change: they become `N`. */
async function ask(port: number, key: string): Promise<string> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/health/system`, {
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    const { condition, services } = (await response.json()) as { condition: string; services: Record<string, Part> };
    const unwell = Object.entries(services).filter(([, part]) => part.condition !== 'healthy');
    if (unwell.length === 0) return condition;
    return unwell.map(([name, it]) => `${name} ${it.condition}: ${(it.detail ?? '').replace(/\d+/g, 'N')}`).join('; ');
  } catch (error) {
    return `no answer: ${(error as Error).name}`;
  }
}
