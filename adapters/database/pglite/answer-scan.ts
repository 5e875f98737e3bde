/**
 * Reads just enough of a server's answer to decide on COMMIT: whether it failed, and how many rows each statement returned.
 * A message is a type byte and a length (https://www.postgresql.org/docs/15/protocol-message-formats.html).
 */
const ERROR_RESPONSE = 0x45;
const DATA_ROW = 0x44;
const COMMAND_COMPLETE = 0x43;
const READY_FOR_QUERY = 0x5a;

export class AnswerScan {
  failed = false;
  /** Nothing is missing: the server waits for the next request. */
  ready = false;
  /** Of each statement that has ended. */
  readonly rowCounts: number[] = [];

  constructor(pieces: readonly Uint8Array[]) {
    if (pieces.length === 0) return;
    const answer = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
    let rows = 0;
    for (let at = 0; at < view.byteLength; at += 1 + view.getInt32(at + 1)) {
      const type = view.getUint8(at);
      this.ready = type === READY_FOR_QUERY;
      if (type === ERROR_RESPONSE) this.failed = true;
      else if (type === DATA_ROW) rows++;
      else if (type === COMMAND_COMPLETE) {
        this.rowCounts.push(rows);
        rows = 0;
      }
    }
  }
}
