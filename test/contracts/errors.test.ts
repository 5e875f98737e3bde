import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, type ErrorType, errorTypeOf, isErrorType, SkeinError } from '../../contracts/errors.ts';

type Table = Readonly<Record<string, { status: number; retry: boolean; title: string; todo: string }>>;

/** One sentence for each fault of the table. */
function faultsOf(table: Table): string[] {
  const found: string[] = [];
  const titles = new Map<string, string>();
  for (const [type, row] of Object.entries(table)) {
    if (!/^[a-z]+(_[a-z]+)*$/.test(type)) found.push(`${type} is not snake_case`);
    if (row.status < 400 || row.status > 599) found.push(`${type} has ${row.status}, which is no status of an error`);
    if (row.retry && row.status < 500 && row.status !== 429) found.push(`${type} can't get better by sending it again`);
    if (!/^[A-Z].*[^.]$/.test(row.title)) found.push(`${type} has a title that is not a title`);
    if (!/^[A-Z].*\.$/.test(row.todo)) found.push(`${type} does not say in a sentence what to do`);
    const other = titles.get(row.title.toLowerCase());
    if (other !== undefined) found.push(`${type} has the title of ${other}`);
    titles.set(row.title.toLowerCase(), type);
  }
  return found;
}

test('every error has a name, a status, a title of its own and something to do', () => {
  assert.deepEqual(faultsOf(ERRORS), []);
});

test('a row with a fault is found', () => {
  const row = { status: 404, retry: false, title: 'Not there', todo: 'Look elsewhere.' };
  const table = {
    good: row,
    Bad: { ...row, title: 'Ab' },
    fine: { ...row, title: 'Fine', status: 200 },
    hopeless: { ...row, title: 'Hopeless', retry: true },
    loud: { ...row, title: 'loud.' },
    mute: { ...row, title: 'Mute', todo: '' },
    twin: { ...row, title: 'NOT there' },
  };
  assert.deepEqual(
    faultsOf(table).map(fault => fault.split(' ')[0]),
    ['Bad', 'fine', 'hopeless', 'loud', 'mute', 'twin'],
  );
});

test('an error carries what its row says', () => {
  for (const type of Object.keys(ERRORS) as ErrorType[]) {
    const error = new SkeinError(type, 'Because', { more: 1 });
    assert.deepEqual(
      [error.type, error.code, error.retryable, error.message, error.data],
      [type, ERRORS[type].status, ERRORS[type].retry, 'Because', { more: 1 }],
    );
    assert.equal(errorTypeOf(error), type);
  }
});

test('what is not of the table is an internal error, whatever it calls itself', () => {
  for (const other of [new Error('x'), { type: 'toString' }, { type: 7 }, {}, null, undefined, 'not_found'])
    assert.equal(errorTypeOf(other), 'internal');
  assert.equal(isErrorType('constructor'), false);
});
