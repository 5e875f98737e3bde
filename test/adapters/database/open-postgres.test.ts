/** What a person reads when the database cannot be used, and that no password is in it. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { openPostgres } from '../../../adapters/database/postgres/open-postgres.ts';
import { LIMITS } from '../../../contracts/limits.ts';
import { freePort } from '../../support/free-port.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres.ts';
import { rejection } from './rejections.ts';

const SECRET = 'correct-horse';

describe('opening PostgreSQL', () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres({ fsync: false });
  });
  after(() => server?.stop());

  const urlWith = (change: (url: URL) => void): string => {
    const url = new URL(server.url);
    change(url);
    return url.href;
  };
  const fails = async (kind: 'failed' | 'unavailable', url: string, pattern: RegExp) => {
    const error = await rejection(kind, openPostgres(url, LIMITS));
    assert.match(error.message, pattern);
    const everything = `${error.stack} ${JSON.stringify(error)} ${error.cause}`;
    assert.ok(!everything.includes(SECRET) && !everything.includes(new URL(server.url).password), everything);
  };
  const run = async (url: string, sql: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(sql);
    await client.end();
  };

  it('works with the right URL', async () => {
    const database = await openPostgres(server.url, LIMITS);
    assert.equal(database.engine, 'postgres');
    await database.close();
  });

  it('says that the password is wrong', () =>
    fails(
      'failed',
      urlWith(url => {
        url.password = SECRET;
      }),
      /refuses the password/,
    ));

  it('says that there is no such user', () =>
    fails(
      'failed',
      urlWith(url => {
        url.username = 'nobody-here';
        url.password = SECRET;
      }),
      /nobody-here@127\.0\.0\.1.* refuses/,
    ));

  it('says that there is no such database', () =>
    fails(
      'failed',
      urlWith(url => {
        url.pathname = '/missing';
      }),
      /\/missing has no such database/,
    ));

  it('says that nothing listens there', async () => {
    const port = await freePort();
    await fails('unavailable', `postgres://u:${SECRET}@127.0.0.1:${port}/d`, /nothing listens there/);
  });

  it('says that there is no such host', () =>
    fails('unavailable', `postgres://u:${SECRET}@no-such-host.invalid/d`, /host/));

  it('says that something else than PostgreSQL answers', async () => {
    const other = createServer(socket => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    await fails('unavailable', `postgres://u:${SECRET}@127.0.0.1:${port}/d`, /No PostgreSQL server/);
    await new Promise(resolve => other.close(resolve));
  });

  it('says that the URL is none', async () => {
    await fails('failed', `postgres://u:${SECRET}@host:port/d`, /not a valid URL/);
    await fails('failed', `mysql://u:${SECRET}@127.0.0.1/d`, /must begin with postgres/);
  });

  it('says that the server is too old', async () => {
    const url = await server.createDatabase('old');
    // The server is new; only its answer to this question is not.
    await run(
      url,
      `CREATE SCHEMA old; CREATE FUNCTION old.current_setting(name text) RETURNS text LANGUAGE sql AS
         $$ SELECT CASE name WHEN 'server_version_num' THEN '140012' ELSE '14.12' END $$;
       ALTER DATABASE old SET search_path = old, pg_catalog`,
    );
    await fails('failed', url, /is PostgreSQL 14\.12; Skein needs version 15/);
  });

  it('sees that the server has TimescaleDB', async () => {
    const url = await server.createDatabase('timescale');
    await run(
      url,
      `CREATE SCHEMA fake; CREATE TABLE fake.pg_extension (extname name); INSERT INTO fake.pg_extension VALUES ('timescaledb');
       ALTER DATABASE timescale SET search_path = fake, pg_catalog`,
    );
    const database = await openPostgres(url, LIMITS);
    assert.equal(database.engine, 'timescale');
    await database.close();
  });
});
