/** A server that acknowledges every PUBLISH at once and keeps nothing: it shows how much the generator can send. */
import { createServer } from 'node:net';
import { endOfPacket } from './packet-scanner.ts';

const CONNACK = Buffer.from([0x20, 2, 0, 0]);

const server = createServer({ noDelay: true }, socket => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', chunk => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const answers = Buffer.allocUnsafe(bytes.length);
    let answered = 0;
    let at = 0;
    for (let end = endOfPacket(bytes, at); end !== undefined && end <= bytes.length; end = endOfPacket(bytes, at)) {
      const first = bytes[at]!;
      if (first >> 4 === 1) answered += CONNACK.copy(answers, answered);
      else if (first >> 4 === 3 && (first & 0x06) === 2) {
        // The topic follows the fixed header, which has one byte of length for each 128 and the type; then the packet id.
        const topicAt = at + (bytes[at + 1]! < 128 ? 2 : 3);
        const idAt = topicAt + 2 + bytes.readUInt16BE(topicAt);
        answers[answered++] = 0x40;
        answers[answered++] = 2;
        answers[answered++] = bytes[idAt]!;
        answers[answered++] = bytes[idAt + 1]!;
      }
      at = end;
    }
    rest = bytes.subarray(at);
    if (answered > 0) socket.write(answers.subarray(0, answered));
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(`sink mqtt://127.0.0.1:${(server.address() as { port: number }).port}`);
});
process.on('SIGTERM', () => process.exit(0));
