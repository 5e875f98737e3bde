/** Disks that are really full. More of it, and slower: npm run test:faults -- disk */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canMount, runOnSmallDisk } from '../../support/small-disk.ts';
import type { FullLogReport } from './full-log.ts';
import { runOnFullDisk } from './on-full-disk.ts';

const skip = canMount()
  ? false
  : 'NOT TESTED: a full disk. It takes root, or user namespaces (unshare), to mount a small one';
if (skip) console.error(skip);

for (const engine of ['pglite', 'postgres'] as const)
  test(`a full disk makes it read-only, nothing is lost, and it goes on by itself when there is room (${engine})`, {
    skip,
  }, async t => {
    const report = await runOnFullDisk({ engine, logHasRoom: true });
    t.diagnostic(report.told);
    assert.equal(report.full, 'read-only: disk full');
    assert.deepEqual(report.refused, { status: 507, type: 'storage_full', retryAfter: '1' });
    assert.deepEqual(report.reads, { status: 200, readOnly: '1' });
    assert.equal(report.stored.status, 201);
    assert.ok(report.kept, report.told);
    assert.ok(report.drained, 'in the end every message was acknowledged');
    assert.equal(report.ended, false, 'the process lived through it');
  });

test('an embedded database that ends for want of room for its log is opened again when there is some', {
  skip,
}, async () => {
  const report = await runOnSmallDisk<FullLogReport>(150, new URL('./full-log.ts', import.meta.url), []);
  assert.ok(report.endedByIt, 'it did end');
  assert.equal(report.whileFull, 'full');
  assert.equal(report.fatal, 0);
  // The one that ended it may be stored: nobody knows until then.
  assert.ok(report.stored === report.acknowledged || report.stored === report.acknowledged + 1, JSON.stringify(report));
  assert.equal(report.afterwards, report.stored + 1);
});
