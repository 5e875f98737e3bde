/** A test process that starts servers, names their ports, and then does nothing more: see local-server.test.ts. */
import { startNats } from './nats.ts';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';

const servers = await Promise.all([startNats(), startRedis(), startPostgres({ fsync: false })]);
console.log(`ports ${servers.map(server => server.port).join(' ')}.`);
