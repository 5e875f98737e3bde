import { readConfig } from './config.ts';
import manifest from './package.json' with { type: 'json' };
import { newLog, runNode, withoutSecrets } from './services/run-node.ts';

/** How long an orderly stop may take before the process ends all the same; what was acknowledged is stored either way. */
const STOP_PATIENCE_MS = 25_000;
/** One that was replaced, or has no database, can settle nothing any more: it only tells its clients. */
const FATAL_PATIENCE_MS = 2_000;

/** Tells what happens before the configuration is known, too. */
let log = newLog('info', {});

async function main(): Promise<void> {
  const config = readConfig(process.env);
  log = newLog(config.logLevel, { node: config.nodeId });
  let stopping = false;
  const end = async (why: string, code: number) => {
    if (stopping) return;
    stopping = true;
    log.info(`stopping: ${why}`);
    setTimeout(() => process.exit(code || 1), code === 0 ? STOP_PATIENCE_MS : FATAL_PATIENCE_MS).unref();
    await running.then(node => node.stop()).catch(err => log.error({ err }, 'did not stop cleanly'));
    process.exit(code);
  };
  const running = runNode(config, log, why => {
    log.fatal(`this process has to end: ${why}`);
    void end('fatal', 3);
  });
  process.on('SIGTERM', () => void end('SIGTERM', 0));
  process.on('SIGINT', () => void end('SIGINT', 0));
  const { engine, httpPort, httpsPort, mqttPort, mqttsPort } = await running;
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host;
  console.log(`Skein ${manifest.version} is ready (node ${config.nodeId}, ${engine}, listening on ${config.host})`);
  if (mqttPort !== undefined) console.log(`  MQTT  mqtt://${host}:${mqttPort}`);
  if (mqttsPort !== undefined) console.log(`  MQTTS mqtts://${host}:${mqttsPort}`);
  if (httpPort !== undefined) console.log(`  HTTP  http://${host}:${httpPort}/api/v1`);
  if (httpsPort !== undefined) console.log(`  HTTPS https://${host}:${httpsPort}/api/v1`);
  if (httpPort !== undefined && mqttPort !== undefined)
    console.log(`  MQTT over WebSocket  ws://${host}:${httpPort}/mqtt`);
  console.log(`  The administrator's key is in ${config.dataDir}/admin.token`);
}

process.on('unhandledRejection', error => {
  log.fatal({ err: error }, 'a defect of Skein: nobody handled this');
  process.exit(70);
});

main().catch((error: Error & { code?: string }) => {
  const sentence = error.code === 'EADDRINUSE' ? `${error.message}: is Skein running already?` : error.message;
  console.error(`Skein could not start. ${withoutSecrets(sentence)}`);
  process.exit(1);
});
