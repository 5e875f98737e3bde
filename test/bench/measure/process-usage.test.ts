import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { cpuSeconds, parentOf, residentBytes, treeCpuSeconds } from '../../../bench/measure/process-usage.ts';

test('the CPU time of a process grows while it works, and its children count in its tree only', {
  skip: process.platform !== 'linux',
}, async () => {
  const child = spawn(process.execPath, ['-e', 'for (;;) {}'], { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    assert.equal(parentOf(child.pid!), process.pid);
    while (cpuSeconds(child.pid!) < 0.1) await new Promise(resolve => setTimeout(resolve, 10));
    const own = cpuSeconds(process.pid);
    assert.ok(treeCpuSeconds(process.pid) >= own + 0.1);
    assert.ok(residentBytes(child.pid!) > 1_000_000);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  assert.equal(cpuSeconds(child.pid!), 0);
  assert.equal(residentBytes(child.pid!), 0);
});
