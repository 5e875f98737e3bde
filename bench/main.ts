/** The benchmarks. `npm run bench -- <name> [flags]`; each prints its figures and leaves them in bench/results/. */
const BENCHMARKS = {
  ingest: ['durable messages a second, bare against real', '--pairs 5 --seconds 8 --rate 0 --engine both'],
  flood: ['ten times what it can carry, for two minutes', '--seconds 120 --engine postgres'],
  actors: ['memory of an idle device actor', '--counts 10000,100000,1000000'],
  connections: ['memory of an idle MQTT connection, bare against real', '--count 5000 --engine postgres'],
  cluster: [
    'several nodes: CPU and bytes for each message, hops, and nodes that die, leave and join',
    '--parts cpu,idle,hop,kill,stop,join --nodes 1,2,3,4,8 --rounds 3 --seconds 10 --rate 12000',
  ],
  commands: [
    'from the call over REST to the stored answer of the device, against a bare ping-pong plus two commits',
    '--rounds 5 --seconds 8 --devices 256 --underWay 1,32,256, or --short',
  ],
  returns: [
    'a fleet that was away comes back to commands that wait for it: pace, order, and how long it takes',
    '--devices 10000 --commands 10 --paces 1000,50000 --nodes 3 --clusterDevices 2000 --clusterPace 1000, or --short',
  ],
  twin: [
    'reads and durable updates of twins, against Redis and plain SQL',
    '--parts reads,updates --rounds 3 --devices 100000 --rate 5000, or --short',
  ],
  rest: [
    "authenticated reads of a device over REST, against moleculer-web's own hello",
    '--rounds 5 --seconds 5 --connections 32 --devices 1000, or --short',
  ],
  storm: [
    'thousands of connects within seconds, a third with wrong keys, while other devices send',
    '--connects 10000 --wrongPercent 33 --seconds 10 --steady 200 --rate 1000 --engine postgres, or --short',
  ],
  store: [
    'telemetry in the database: written beside plain COPY, read beside plain SQL, and the bytes that it takes, on each engine',
    '--parts writer,sizes,partitions,queries --engines postgres,pglite,timescale --rounds 5 --millions 1,10,100, or --short',
  ],
  start: ['how long until the first CONNACK', '--runs 5 --engine both'],
} as const;

const [name = '', ...args] = process.argv.slice(2);
if (Object.hasOwn(BENCHMARKS, name)) {
  const { run } = (await import(`./${name}.bench.ts`)) as { run(args: string[]): Promise<void> };
  await run(args);
} else {
  console.log('npm run bench -- <name> [flags]\n');
  for (const [it, [what, flags]] of Object.entries(BENCHMARKS))
    console.log(`  ${it.padEnd(12)} ${what}\n${' '.repeat(15)}${flags}`);
  process.exitCode = name === '' ? 0 : 2;
}
