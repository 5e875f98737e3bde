/**
 * What the generator says. The values of a message follow from its device and its sequence number, so a database can be
 * compared with a ledger of sequence numbers alone: the temperature carries the sequence, the other two are its checksum.
 */

/**
 * `timestamp`: the message brings its own time. `messageId`: the server makes the time, and the id keeps it unique. `state`: no telemetry,
 * but a change of one leaf of the device's twin; it has only a temperature.
 */
export type PayloadKind = 'timestamp' | 'messageId' | 'state';

/** Below `devices/{id}/`. */
export const TOPICS: Readonly<Record<PayloadKind, string>> = {
  timestamp: 'telemetry',
  messageId: 'telemetry',
  state: 'state',
};

/** Eight digits of the temperature count the messages of a device: 89,999,999 of them before it would repeat. */
export const MAX_SEQUENCE = 89_999_999;
const FIRST_TEMPERATURE = 10_000_000;

/** Every text has the same length for every sequence, so that a packet is encoded once and only its digits change. */
export const PAYLOADS: Readonly<Record<PayloadKind, string>> = {
  timestamp: '{"ts":0000000000000,"values":{"temperature":00.000000,"humidity":00.00,"pressure":000.00}}',
  messageId: '{"messageId":"m0000000000000","values":{"temperature":00.000000,"humidity":00.00,"pressure":000.00}}',
  state: '{"measured":{"temperature":00.000000}}',
};

const mix = (device: number, sequence: number): number => {
  const hash = Math.imul(sequence ^ Math.imul(device + 1, 0x9e3779b1), 0x85ebca6b);
  return (hash ^ (hash >>> 15)) >>> 0;
};
/** The digits of the three values without their point: dd.dddddd, dd.dd, 9dd.dd. */
export const temperatureDigits = (sequence: number): number => FIRST_TEMPERATURE + sequence;
export const humidityDigits = (device: number, sequence: number): number => 1_000 + (mix(device, sequence) % 9_000);
export const pressureDigits = (device: number, sequence: number): number =>
  90_000 + ((mix(device, sequence) >>> 8) % 10_000);

export type Values = { readonly temperature: number; readonly humidity: number; readonly pressure: number };

/** The values that message `sequence` of device number `device` carries. */
export const valuesOf = (device: number, sequence: number): Values => ({
  temperature: temperatureDigits(sequence) / 1e6,
  humidity: humidityDigits(device, sequence) / 100,
  pressure: pressureDigits(device, sequence) / 100,
});

/** The sequence that a stored temperature carries, or undefined when no message of ours had this value. */
export function sequenceOf(temperature: number): number | undefined {
  const sequence = Math.round(temperature * 1e6) - FIRST_TEMPERATURE;
  const whole = sequence >= 0 && sequence <= MAX_SEQUENCE;
  return whole && temperatureDigits(sequence) / 1e6 === temperature ? sequence : undefined;
}
