/** ISO 8601, UTC: with milliseconds, or with microseconds when there are any. Answers have thousands of times, mostly of the same days. */
export function isoOfMicros(us: number): string {
  const day = Math.floor(us / DAY_US);
  if (day !== knownDay)
    [knownDay, dayText] = [day, new Date(day * DAY_MS).toISOString().slice(0, -'00:00:00.000Z'.length)];
  const ofDay = us - day * DAY_US;
  const ms = Math.floor(ofDay / 1000);
  const rest = ofDay - ms * 1000;
  const second = Math.floor(ms / 1000);
  const minute = Math.floor(second / 60);
  const clock = `${TWO[Math.floor(minute / 60)]}:${TWO[minute % 60]}:${TWO[second % 60]}`;
  return `${dayText}${clock}.${three(ms % 1000)}${rest === 0 ? '' : three(rest)}Z`;
}

const DAY_MS = 86_400_000;
const DAY_US = DAY_MS * 1000;
let knownDay = Number.NaN;
let dayText = '';
const TWO = Array.from({ length: 60 }, (_, it) => String(it).padStart(2, '0'));
const three = (number: number): string => (number === 0 ? '000' : String(number).padStart(3, '0'));
