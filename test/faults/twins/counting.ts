/** Writers of a counter: each sets the next number when the one before is acknowledged. */

import { setTimeout as sleep } from 'node:timers/promises';
import mqtt from 'mqtt';
import type { RestCaller } from '../commands/rest-caller.ts';

export interface Counting {
  readonly deviceId: string;
  readonly document: 'reported' | 'desired';
  /** The newest number whose change was acknowledged. */
  readonly acknowledged: number;
  /** The one after it was sent, and nobody answered. */
  readonly hasUnknown: boolean;
  /** What nothing here can lead to, in words. */
  readonly problems: readonly string[];
  /** Sends nothing new, and waits a while for the last answer. */
  stop(): Promise<void>;
}

const PAUSE_MS = 200;
const AGAIN_AFTER_MS = 100;
const LAST_ANSWER_PATIENCE_MS = 20_000;

/** An application that desires, each time only if the version is the one that it knows. */
export class Desiring implements Counting {
  readonly document = 'desired';
  readonly deviceId: string;
  readonly problems: string[] = [];
  acknowledged = 0;
  hasUnknown = false;
  readonly #rest: RestCaller;
  readonly #done: Promise<void>;
  #isStopping = false;
  #isOver = false;

  constructor(deviceId: string, rest: RestCaller) {
    this.deviceId = deviceId;
    this.#rest = rest;
    this.#done = this.#count();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const timer = setTimeout(() => {
      this.#isOver = true;
    }, LAST_ANSWER_PATIENCE_MS);
    await this.#done;
    clearTimeout(timer);
  }

  async #count(): Promise<void> {
    while (!this.#isStopping) {
      await this.#set(this.acknowledged + 1);
      await sleep(PAUSE_MS);
    }
  }

  async #set(counter: number): Promise<void> {
    const path = `/devices/${this.deviceId}/twin`;
    while (!this.#isOver) {
      const { status, body } = await this.#rest.ask({
        method: 'PATCH',
        path: `${path}/desired`,
        body: { counter },
        headers: { 'If-Match': `"${counter - 1}"` },
      });
      if (status === 200) return this.#acknowledge(counter);
      if (status === 412 && this.hasUnknown) {
        const { body: twin } = await this.#rest.ask({ method: 'GET', path });
        if (twin.desiredVersion === counter) return this.#acknowledge(counter);
      } else if (status >= 400 && status < 500) {
        this.problems.push(`${counter} is desired of ${this.deviceId}: ${status} ${JSON.stringify(body)}`);
        this.#isStopping = true;
        return;
      }
      this.hasUnknown = true;
      await sleep(AGAIN_AFTER_MS);
    }
  }

  #acknowledge(counter: number): void {
    this.acknowledged = counter;
    this.hasUnknown = false;
  }
}

/** A device that reports, and sends again what was not acknowledged. */
export class Reporting implements Counting {
  readonly document = 'reported';
  readonly deviceId: string;
  readonly problems: string[] = [];
  acknowledged = 0;
  hasUnknown = false;
  readonly #client: mqtt.MqttClient;
  #done: Promise<void>;
  #isStopping = false;

  constructor(deviceId: string, key: string, url: string) {
    this.deviceId = deviceId;
    this.#client = mqtt.connect(url, {
      username: deviceId,
      password: key,
      clientId: deviceId,
      reconnectPeriod: 200,
      reconnectOnConnackError: true,
      connectTimeout: 3_000,
      keepalive: 5,
    });
    this.#client.on('error', () => {});
    this.#done = this.#count();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.race([this.#done, sleep(LAST_ANSWER_PATIENCE_MS, undefined, { ref: false })]);
    await this.#client.endAsync(true);
  }

  async #count(): Promise<void> {
    while (!this.#isStopping) {
      const counter = this.acknowledged + 1;
      this.hasUnknown = true;
      const topic = `devices/${this.deviceId}/state`;
      const isStored = await this.#client.publishAsync(topic, JSON.stringify({ counter }), { qos: 1 }).then(
        () => true,
        () => false,
      );
      if (isStored) {
        this.acknowledged = counter;
        this.hasUnknown = false;
      }
      await sleep(PAUSE_MS);
    }
  }
}
