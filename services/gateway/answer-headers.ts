/**
 * The headers of every answer, whoever makes it: they come in where Node writes the head, so an answer that says nothing of headers has them as
 * well. All of them go to Node as one list: one that is set by itself puts it on a slower way, with all the others.
 */
import { ServerResponse } from 'node:http';

/** Names and values by turns. */
export type HeaderList = readonly string[];
type OwnHeaders = Readonly<Record<string, string | number>>;
type Guarded = ServerResponse & { $headers: HeaderList };

/** @param headers of this answer. Another value counts only when it is given to `writeHead`, under the same name. */
export function guardAnswer(response: ServerResponse, headers: HeaderList): void {
  (response as Guarded).$headers = headers;
  response.writeHead = writeHead as ServerResponse['writeHead'];
}

const NONE: OwnHeaders = {};

/** In the place of Node's own, which Node calls itself when a body is written before any head. */
function writeHead(this: Guarded, status: number, own: OwnHeaders = NONE): ServerResponse {
  const all: string[] = [];
  for (const name in own) all.push(name, own[name] as string);
  const { $headers: usual } = this;
  for (let i = 0; i < usual.length; i += 2) if (own[usual[i]!] === undefined) all.push(usual[i]!, usual[i + 1]!);
  return ServerResponse.prototype.writeHead.call(this, status, all);
}
