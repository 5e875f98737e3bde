/** Bytes to an HTTP server, as they are. */
import { connect } from 'node:net';

/** Answers with all that comes back until the server closes. */
export function rawHttp(url: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', chunk => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    // A reset after the answer was read is no failure of the answer.
    socket.on('error', error => (text === '' ? reject(error) : resolve(text)));
  });
}

export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
