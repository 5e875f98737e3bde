import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ReadLine } from '../../contracts/imports.contract.ts';
import { RecordCutter } from '../../mixins/record-cutter.ts';
import { csvFormat, ndjsonFormat } from '../../services/gateway/uploads/line-formats.ts';

const MAX = 60;
/** @param pieces how many bytes come at once */
function read(file: string | Buffer, pieces = 7, format = csvFormat()): ReadLine[] {
  const bytes = Buffer.from(file as string);
  const cutter = new RecordCutter({ ...format, recordMaxBytes: MAX });
  const found: ReadLine[] = [];
  for (let at = 0; at < bytes.length; at += pieces) found.push(...cutter.push(bytes.subarray(at, at + pieces)));
  return [...found, ...cutter.push(Buffer.alloc(0), true)];
}
const json = (file: string | Buffer) => read(file, 7, ndjsonFormat());
/** `line id` of those that were read, `line !` of the others. */
const short = (lines: ReadLine[]) => lines.map(it => `${it.line} ${it.record === undefined ? '!' : it.record.id}`);

test('records are numbered by the line on which they begin, with empty lines and quoted line ends between them', () => {
  assert.deepEqual(read('\ufeffid,name\r\na,"x\r\n\ny"\r\n\r\nb,"say ""hi"", Ada"\nc,'), [
    { line: 2, record: { id: 'a', name: 'x\r\n\ny' } },
    { line: 6, record: { id: 'b', name: 'say "hi", Ada' } },
    { line: 7, record: { id: 'c', name: '' } },
  ]);
});

test('of a broken record only the first line is lost', () => {
  assert.deepEqual(short(read('id,name\na,x"y\nb,1\nc,"never closed\nd,2\ne,"p"q\nf,3\n')), [
    '2 !',
    '3 b',
    '4 !',
    '5 d',
    '6 !',
    '7 f',
  ]);
});

test('a quote that is not closed up to the end of a long file does not take the lines behind it along', () => {
  const rest = Array.from({ length: 40 }, (_, i) => `r-${i},x\n`).join('');
  const found = short(read(`id,name\na,"open\n${rest}`));
  assert.deepEqual(found.slice(0, 3), ['2 !', '3 r-0', '4 r-1']);
  assert.equal(found.length, 41);
});

test('a huge line is refused by itself, in pieces or as a whole', () => {
  for (const pieces of [1, 13, 10_000]) {
    const found = read(`id,name\na,${'x'.repeat(500)}\nb,1\n`, pieces);
    assert.deepEqual(short(found), ['2 !', '3 b']);
    assert.match(found[0]!.fault!, /more than 60 bytes/);
  }
  assert.deepEqual(short(read(`id,name\nb,1\na,${'x'.repeat(500)}`)), ['2 b', '3 !']);
});

test('what is not UTF-8, or has another number of cells, is refused by itself', () => {
  const file = Buffer.concat([Buffer.from('id,name\na,'), Buffer.from([0xff, 0xfe]), Buffer.from('\nb,1,2\nc\nd,1')]);
  assert.deepEqual(short(read(file)), ['2 !', '3 !', '4 !', '5 d']);
});

test('each line of NDJSON is by itself', () => {
  const lines = ['{"id":"a"}', '', '{"id":"b"', '[1]', '"c"', '{"id":"d","name":"\\"e\\nf"}\r', '[[[[]]]]'];
  assert.deepEqual(short(json(lines.join('\n'))), ['1 a', '3 !', '4 !', '5 !', '6 d', '7 !']);
  const deep = `{"id":${'['.repeat(15)}${']'.repeat(15)}}`;
  assert.deepEqual(short(json(deep)).length, 1);
});

test('nothing names a device', () => {
  for (const file of ['', '\n\r\n', 'id,name\n', '\ufeff']) assert.deepEqual(read(file), []);
});

test('however a file is cut into pieces, the same comes out, and every line behind the header is accounted for', () => {
  const cell = fc.oneof(fc.constantFrom('', '"', '""', 'x', '"a\nb"', '\r', ',', '\n'), fc.string({ maxLength: 8 }));
  const file = fc.array(cell, { maxLength: 60 }).map(it => `id,name\n${it.join('')}`);
  fc.assert(
    fc.property(file, fc.integer({ min: 1, max: 50 }), (text, pieces) => {
      const whole = read(text, 1_000_000);
      assert.deepEqual(read(text, pieces), whole);
      const lines = whole.map(it => it.line);
      assert.deepEqual(
        lines,
        [...new Set(lines)].sort((a, b) => a - b),
      );
      const physical = Buffer.from(text).toString().split('\n');
      assert.ok(lines.every(it => it <= physical.length));
    }),
    { numRuns: 500 },
  );
});

test('what was written as CSV is read as it was', () => {
  const cell = fc.string({ maxLength: 10 }).filter(it => !it.includes('\r') && it.isWellFormed());
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 20 }), rows => {
      const quoted = (it: string) => `"${it.replaceAll('"', '""')}"`;
      const file = rows.map(row => `${row.map(quoted).join(',')}\r\n`).join('');
      const found = read(`id,name\r\n${file}`, 1_000).map(it => it.record);
      assert.deepEqual(
        found,
        rows.map(([id, name]) => ({ id, name })),
      );
    }),
    { numRuns: 300 },
  );
});
