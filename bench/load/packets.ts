/** MQTT 3.1.1 packets as bytes, encoded once and patched for each message, so that sending costs the generator little. */
import { humidityDigits, PAYLOADS, type PayloadKind, pressureDigits, temperatureDigits } from './payload.ts';

const field = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
};
/** A fixed header with its remaining length: MQTT 3.1.1, 2.2.3. */
function packet(firstByte: number, body: Buffer): Buffer {
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest & 0x7f) | (rest > 127 ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([firstByte, ...length]), body]);
}

/** CONNECT with clean session, a username and a password: MQTT 3.1.1, 3.1. */
export function connectPacket(clientId: string, username: string, password: string, keepAliveSeconds: number): Buffer {
  const flags = 0x80 | 0x40 | 0x02;
  const head = Buffer.from([4, flags, keepAliveSeconds >> 8, keepAliveSeconds & 0xff]);
  return packet(0x10, Buffer.concat([field('MQTT'), head, field(clientId), field(username), field(password)]));
}
export const DISCONNECT = Buffer.from([0xe0, 0]);

const twoBytes = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
export const pubackPacket = (packetId: number): Buffer => Buffer.from([0x40, 2, packetId >> 8, packetId & 0xff]);
/** To one topic, at QoS 1. */
export const subscribePacket = (packetId: number, topic: string): Buffer =>
  packet(0x82, Buffer.concat([twoBytes(packetId), field(topic), Buffer.from([1])]));
/** At QoS 1. */
export const publishPacket = (packetId: number, topic: string, payload: string): Buffer =>
  packet(0x32, Buffer.concat([field(topic), twoBytes(packetId), Buffer.from(payload)]));

/** What a whole PUBLISH says; without a packet id at QoS 0. The payload is part of the packet's bytes. */
export function readPublish(bytes: Buffer): {
  readonly topic: string;
  readonly packetId: number | undefined;
  readonly payload: Buffer;
} {
  let topicAt = 2;
  // Each byte of the remaining length but the last one has its highest bit set.
  for (let at = 1; bytes[at]! >= 128; at++) topicAt++;
  const topicEnd = topicAt + 2 + bytes.readUInt16BE(topicAt);
  const topic = bytes.toString('utf8', topicAt + 2, topicEnd);
  if ((bytes[0]! & 0x06) === 0) return { topic, packetId: undefined, payload: bytes.subarray(topicEnd) };
  return { topic, packetId: bytes.readUInt16BE(topicEnd), payload: bytes.subarray(topicEnd + 2) };
}

/** What a payload has not. */
const NOWHERE = -1;

/** The PUBLISH of one device at one quality of service. */
export class PublishTemplate {
  readonly bytes: number;
  readonly #template: Buffer;
  readonly #packetIdAt: number;
  readonly #numberAt: number;
  readonly #temperatureAt: number;
  readonly #humidityAt: number;
  readonly #pressureAt: number;
  readonly #device: number;

  constructor(device: number, topic: string, kind: PayloadKind, qos: 0 | 1) {
    const text = PAYLOADS[kind];
    const packetId = qos === 1 ? Buffer.alloc(2) : Buffer.alloc(0);
    this.#template = packet(0x30 | (qos << 1), Buffer.concat([field(topic), packetId, Buffer.from(text)]));
    this.bytes = this.#template.length;
    this.#device = device;
    const payloadAt = this.bytes - text.length;
    const after = (name: string): number =>
      text.includes(name) ? payloadAt + text.indexOf(name) + name.length : NOWHERE;
    this.#packetIdAt = qos === 1 ? payloadAt - 2 : -1;
    this.#numberAt = after(kind === 'timestamp' ? '"ts":' : '"messageId":"m');
    this.#temperatureAt = after('"temperature":');
    this.#humidityAt = after('"humidity":');
    this.#pressureAt = after('"pressure":');
  }

  /**
   * Writes one packet at `at`; `again` marks it as sent before (DUP). `number` is the timestamp in milliseconds, or the
   * number in the message id. The packet id is ignored at QoS 0.
   */
  write(target: Buffer, at: number, packetId: number, sequence: number, number: number, again: boolean): void {
    this.#template.copy(target, at);
    if (this.#packetIdAt >= 0) {
      if (again) target[at] = target[at]! | 0x08;
      target[at + this.#packetIdAt] = packetId >> 8;
      target[at + this.#packetIdAt + 1] = packetId & 0xff;
    }
    if (this.#numberAt !== NOWHERE) {
      const high = Math.floor(number / 1e7);
      digits(target, at + this.#numberAt, 6, high);
      digits(target, at + this.#numberAt + 6, 7, number - high * 1e7);
    }
    const temperature = temperatureDigits(sequence);
    const whole = (temperature / 1_000_000) | 0;
    digits(target, at + this.#temperatureAt, 2, whole);
    digits(target, at + this.#temperatureAt + 3, 6, temperature - whole * 1_000_000);
    if (this.#humidityAt === NOWHERE) return;
    hundredths(target, at + this.#humidityAt, 2, humidityDigits(this.#device, sequence));
    hundredths(target, at + this.#pressureAt, 3, pressureDigits(this.#device, sequence));
  }
}

function digits(target: Buffer, at: number, count: number, value: number): void {
  let rest = value | 0;
  for (let i = at + count - 1; i >= at; i--) {
    const next = (rest / 10) | 0;
    target[i] = 48 + rest - next * 10;
    rest = next;
  }
}
function hundredths(target: Buffer, at: number, wholeDigits: number, value: number): void {
  const whole = (value / 100) | 0;
  digits(target, at, wholeDigits, whole);
  digits(target, at + wholeDigits + 1, 2, value - whole * 100);
}
