/** Devices about which something is to be done that no message will bring. */

import { deviceAddress } from '../../contracts/addresses.ts';
import { RECEIVES } from '../../contracts/downlinks.ts';
import type { Due } from '../../contracts/store.ts';
import type { Database } from './database.ts';
import { OVERDUE_SQL, RESUME_SQL } from './due.sql.ts';

type DueRow = { device_uid: number; slug: string; device_id: string; due: boolean; ended: boolean };

/** A page of what `Store.due` says. Rejects with a DatabaseError. */
export async function readDue(
  database: Database,
  shards: readonly number[],
  resume: boolean,
  after: number,
  limit: number,
): Promise<Due> {
  const page = [shards, after, limit];
  const rows = resume
    ? await database.query<DueRow>(RESUME_SQL, [...page, RECEIVES.command])
    : await database.query<DueRow>(OVERDUE_SQL, page);
  return {
    addresses: rows.filter(row => row.due && !row.ended).map(addressOf),
    ended: rows.filter(row => row.ended).map(addressOf),
    after: rows.length === limit ? rows.at(-1)!.device_uid : null,
  };
}

const addressOf = ({ slug, device_id }: DueRow) => deviceAddress(slug, device_id);
