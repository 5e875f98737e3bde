/** Topic filters of MQTT (section 4.7): `+` is one level, `#` is what is left, and the level above it too. */
export type TopicFilter = readonly string[];

/** @param filter a valid filter: aedes refuses others before they get here */
export const parseFilter = (filter: string): TopicFilter => filter.split('/');

/** Walks the topic without taking it apart. */
export function matches(filter: TopicFilter, topic: string): boolean {
  let start = 0;
  for (const level of filter) {
    if (level === '#') return true;
    if (start > topic.length) return false;
    const slash = topic.indexOf('/', start);
    const end = slash === -1 ? topic.length : slash;
    if (level !== '+' && !(level.length === end - start && topic.startsWith(level, start))) return false;
    start = end + 1;
  }
  return start > topic.length;
}
