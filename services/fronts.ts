/** The connections of this process, whatever protocols they speak: where what goes down to devices leaves. */
import type { Delivery, Downlink, Egress } from '../contracts/downlinks.ts';

export class Fronts implements Egress {
  readonly #fronts = new Set<Egress>();

  /** From now on this one has connections of devices. The answer takes it out again. */
  add(front: Egress): () => void {
    this.#fronts.add(front);
    return () => void this.#fronts.delete(front);
  }

  /** A session is at one of them; who does not know it says `gone`. */
  deliver(downlink: Downlink): Delivery {
    for (const front of this.#fronts) {
      const delivery = front.deliver(downlink);
      if (delivery !== 'gone') return delivery;
    }
    return 'gone';
  }
}
