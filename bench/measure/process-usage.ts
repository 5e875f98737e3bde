/** CPU time and memory of processes, from /proc (Linux): https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, which the kernel keeps at 100 for user space on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const KIB = 1024;

type Stat = { readonly parent: number; readonly ownSeconds: number; readonly reapedSeconds: number };

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces: what follows its last parenthesis begins with field 3.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15) as [number, number, number, number];
    return {
      parent: fields[1]!,
      ownSeconds: (user + system) / TICKS_PER_SECOND,
      reapedSeconds: (childrenUser + childrenSystem) / TICKS_PER_SECOND,
    };
  } catch {
    return undefined;
  }
}

/** The process that started this one; 0 when there is no such process. */
export const parentOf = (pid: number): number => statOf(pid)?.parent ?? 0;

/** Seconds of CPU that a process used so far, all its threads together; 0 when there is no such process. */
export const cpuSeconds = (pid: number): number => statOf(pid)?.ownSeconds ?? 0;

/** The same of a process with its children, those that ended and were waited for included. */
export function treeCpuSeconds(root: number): number {
  const stat = statOf(root);
  if (!stat) return 0;
  const children = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => statOf(Number(name)))
    .filter(it => it?.parent === root);
  return children.reduce((sum, it) => sum + it!.ownSeconds, stat.ownSeconds + stat.reapedSeconds);
}

/** Resident memory, bytes. */
export function residentBytes(pid: number): number {
  try {
    const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(match?.[1] ?? 0) * KIB;
  } catch {
    return 0;
  }
}

/** Looks at the memory of a process every `everyMs`, until `stop`. */
export function watchMemory(pid: number, everyMs: number) {
  const samples: { atMs: number; bytes: number }[] = [];
  const began = performance.now();
  const look = () => samples.push({ atMs: performance.now() - began, bytes: residentBytes(pid) });
  look();
  const timer = setInterval(look, everyMs);
  return {
    stop() {
      clearInterval(timer);
      look();
      const bytes = samples.map(it => it.bytes);
      return {
        samples,
        firstBytes: bytes[0]!,
        lastBytes: bytes.at(-1)!,
        peakBytes: Math.max(...bytes),
        meanBytes: bytes.reduce((sum, it) => sum + it, 0) / bytes.length,
      };
    },
  };
}
