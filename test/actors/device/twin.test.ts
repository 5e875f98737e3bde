import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Encoder } from 'cbor-x';
import type { DeviceActor } from '../../../actors/device/device.actor.ts';
import { jsonPayload } from '../../../contracts/json.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import type { Effects } from '../../../contracts/store.ts';
import { NOW_MS, uplink } from '../runtime/uplinks.ts';
import { around, newActor } from './new-actor.ts';

const state = (actor: DeviceActor, payload: unknown, atMs = NOW_MS): Effects =>
  actor.receive(uplink('d', payload, { kind: 'state', receivedAtMs: atMs }), around);
const desired = (actor: DeviceActor, patch: object, version?: number, atMs = NOW_MS): Effects =>
  actor.receive(
    uplink('d', jsonPayload({ type: 'desired', patch: patch as never, ...(version !== undefined && { version }) }), {
      kind: 'request',
      session: 0,
      receivedAtMs: atMs,
    }),
    around,
  );
const told = ({ outcome }: Effects): unknown =>
  outcome.state === 'answered' ? outcome.answer : outcome.state === 'rejected' ? outcome.reason : outcome.state;

describe('What a device reports', () => {
  it('is merged into what it reported before, with a version for each change and a time for each leaf', () => {
    const actor = newActor();
    assert.deepEqual(state(actor, { fw: '1', wifi: { rssi: -60 } }).twin?.record.reported, {
      version: 1,
      document: { fw: '1', wifi: { rssi: -60 } },
      times: { fw: NOW_MS, wifi: { rssi: NOW_MS } },
    });
    const effects = state(actor, { wifi: { rssi: -61 }, fw: '1' }, NOW_MS + 5);
    assert.equal(told(effects), 'stored');
    assert.deepEqual(effects.twin?.record.reported, {
      version: 2,
      document: { fw: '1', wifi: { rssi: -61 } },
      times: { fw: NOW_MS, wifi: { rssi: NOW_MS + 5 } },
    });
    assert.equal(effects.twin?.record.desired.version, 0);
  });

  it('is a duplicate when it changes nothing, and nothing is written for it', () => {
    const actor = newActor();
    state(actor, { fw: '1', list: [1, { a: 1, b: 2 }] });
    for (const again of [{ fw: '1' }, { list: [1, { b: 2, a: 1 }] }, {}, { gone: null }]) {
      const effects = state(actor, again, NOW_MS + 5);
      assert.deepEqual([told(effects), effects.twin, effects.deadLetter], ['duplicate', null, null]);
    }
  });

  it('goes on from what is stored', () => {
    const twin = state(newActor(), { fw: '1' }).twin!.record;
    assert.deepEqual(state(newActor({ twin }), { fw: null, up: true }).twin?.record.reported, {
      version: 2,
      document: { up: true },
      times: { up: NOW_MS },
    });
  });

  it('may come as CBOR', () => {
    const effects = state(newActor(), new Encoder({ useRecords: false }).encode({ level: 0.5 }));
    assert.deepEqual(effects.twin?.record.reported.document, { level: 0.5 });
  });

  const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  const sized = (bytes: number) => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) });
  for (const [what, reason, payload] of [
    ['a list', 'invalid_patch', [1]],
    ['a text', 'invalid_patch', '"x"'],
    ['null', 'invalid_patch', 'null'],
    ['no JSON', 'invalid_json', '{'],
    ['a number that is not finite', 'invalid_patch', '{"a":1e999}'],
    ['U+0000', 'invalid_patch', '{"a":"\\u0000"}'],
    ['U+0000 in a name', 'invalid_patch', '{"\\u0000":1}'],
    ['half of a surrogate pair', 'invalid_patch', '{"a":["\\ud800"]}'],
    ['__proto__', 'invalid_patch', '{"a":[{"__proto__":{"b":1}}]}'],
    ['one level too many', 'twin_too_large', deep(LIMITS.twinMaxDepth + 1)],
    ['thousands of levels', 'twin_too_large', deep(10_000)],
    ['one byte too many', 'twin_too_large', sized(LIMITS.twinMaxBytes + 1)],
    ['half as many characters of two bytes', 'twin_too_large', { text: 'é'.repeat(LIMITS.twinMaxBytes / 2) }],
  ] as const)
    it(`with ${what} is a dead letter (${reason}) and leaves no trace`, () => {
      const actor = newActor();
      const effects = state(actor, payload);
      assert.deepEqual([told(effects), effects.deadLetter?.reason, effects.twin], [reason, reason, null]);
      assert.deepEqual(state(actor, { ok: true }).twin?.record.reported, {
        version: 1,
        document: { ok: true },
        times: { ok: NOW_MS },
      });
    });

  it('of the last allowed size and depth is taken', () => {
    assert.equal(told(state(newActor(), deep(LIMITS.twinMaxDepth))), 'stored');
    const actor = newActor();
    assert.equal(told(state(actor, sized(LIMITS.twinMaxBytes))), 'stored');
    assert.equal(told(state(actor, { one: 1 })), 'twin_too_large', 'the whole document counts, not the patch');
    assert.equal(told(state(actor, { text: null })), 'stored', 'and it can be made smaller again');
  });

  it('counts only while the device is active', () => {
    for (const inactive of ['suspended', 'decommissioned'] as const)
      assert.equal(told(state(newActor({ state: inactive }), { a: 1 })), 'device_inactive');
  });
});

describe('What is desired of a device', () => {
  it('is merged, stored with what it reports, and answered with its version', () => {
    const actor = newActor();
    state(actor, { mode: 'eco' });
    const effects = desired(actor, { mode: 'heat', target: 21 });
    assert.deepEqual(told(effects), { version: 1 });
    assert.deepEqual(
      [effects.twin?.record.desired.document, effects.twin?.record.reported.document],
      [{ mode: 'heat', target: 21 }, { mode: 'eco' }],
    );
    assert.deepEqual(told(desired(actor, { target: null })), { version: 2 });
  });

  it('makes no new version when it was desired already', () => {
    const actor = newActor();
    desired(actor, { mode: 'heat' });
    const effects = desired(actor, { mode: 'heat' }, 1);
    assert.deepEqual([told(effects), effects.twin], [{ version: 1 }, null]);
  });

  it('is refused when another version was meant, and the right one is said', () => {
    const actor = newActor();
    desired(actor, { mode: 'heat' }, 0);
    const effects = desired(actor, { mode: 'off' }, 0);
    assert.deepEqual(told(effects), { error: 'stale_version', detail: 'desired has version 1', version: 1 });
    assert.deepEqual(told(desired(actor, { mode: 'off' }, 1)), { version: 2 });
  });

  it('may be changed while the device is suspended, and not after its end', () => {
    assert.deepEqual(told(desired(newActor({ state: 'suspended' }), { a: 1 })), { version: 1 });
    const effects = desired(newActor({ state: 'decommissioned' }), { a: 1 });
    assert.equal((told(effects) as { error: string }).error, 'lifecycle_conflict');
    assert.equal(effects.twin, null);
  });

  it('never becomes a dead letter: who asks is told', () => {
    const actor = newActor();
    const tooLarge = desired(actor, { text: 'x'.repeat(LIMITS.twinMaxBytes) });
    assert.deepEqual(
      [(told(tooLarge) as { error: string }).error, tooLarge.deadLetter, tooLarge.twin],
      ['too_large', null, null],
    );
    const refusal = { reason: 'quarantined', detail: 'x' } as const;
    const refused = actor.refuse(uplink('d', '', { kind: 'request' }), refusal, around);
    assert.deepEqual([told(refused), refused.deadLetter], ['quarantined', null]);
    const control = actor.refuse(uplink('d', '', { kind: 'state' }), refusal, around);
    assert.equal(control.deadLetter?.reason, 'quarantined');
  });
});
