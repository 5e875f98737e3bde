/** Ends a child process when this process is gone, however it went: also when nobody asked it (SIGKILL). */
import { type ChildProcess, spawn } from 'node:child_process';

/**
 * A shell waits for a line on its standard input. Only this process has the other end, so when that is gone there is no line but
 * an end, and the shell kills. In a process group of its own it outlives a signal to ours.
 */
const WATCH = `trap '' INT TERM HUP; read -r line || { kill -s CONT "$1"; kill -s "$2" "$1"; }`;

/** @param signal what it is ended with. A process that was paused is woken first */
export function endWithUs(child: Pick<ChildProcess, 'pid' | 'once'>, signal: 'KILL' | 'QUIT' = 'KILL'): void {
  const release = watchOver(child.pid!, signal);
  // Afterwards the system may give its number to another process.
  child.once('exit', release);
}

/** The same by number. Call what it returns as soon as the process has ended. */
export function watchOver(pid: number, signal: 'KILL' | 'QUIT' = 'KILL'): () => void {
  const watcher = spawn('/bin/sh', ['-c', WATCH, 'sh', String(pid), signal], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.unref();
  const line = watcher.stdin;
  // Neither the watcher nor the pipe to it may keep a test from ending.
  (line as unknown as { unref(): void }).unref();
  line.on('error', () => {});
  return () => line.end('ended\n');
}
