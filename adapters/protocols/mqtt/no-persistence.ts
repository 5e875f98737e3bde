/**
 * The persistence of a broker that keeps nothing: commands and twins are kept by actors, and sessions end with their
 * connections. aedes' own persistence in memory would remember every client that ever acknowledged a message.
 * The methods are those of aedes-persistence that a broker calls.
 */
import { Readable } from 'node:stream';

export class NoPersistence {
  async setup(): Promise<void> {}
  async cleanSubscriptions(): Promise<void> {}
  async addSubscriptions(): Promise<void> {}
  async removeSubscriptions(): Promise<void> {}
  async subscriptionsByClient(): Promise<never[]> {
    return [];
  }
  async outgoingUpdate(): Promise<void> {}
  async outgoingClearMessageId(): Promise<void> {}
  async putWill(): Promise<void> {}
  async delWill(): Promise<void> {}
  outgoingStream(): Readable {
    return Readable.from([]);
  }
  createRetainedStreamCombi(): Readable {
    return Readable.from([]);
  }
  streamWill(): Readable {
    return Readable.from([]);
  }
}
