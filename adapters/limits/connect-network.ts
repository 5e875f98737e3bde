/** Whom an address belongs to, as far as limits go: an IPv4 address; of IPv6 the network, for whoever has one has 2^64 addresses in it. */
import { isIPv6 } from 'node:net';

const NETWORK_GROUPS = 4;

/** `203.0.113.7` as it is; `2001:db8::1` and `2001:db8:0:0:1::` as `2001:db8:0:0::/64`. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head, tail] = address.split('%')[0]!.split('::') as [string, string | undefined];
  const before = groupsOf(head);
  // What `::` stands for is as many zeros as make eight groups with what is behind it.
  const zeros = tail === undefined ? 0 : 8 - before.length - groupsOf(tail).length;
  const groups = [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...groupsOf(tail ?? '')];
  const network = groups.slice(0, NETWORK_GROUPS).map(it => Number.parseInt(it, 16).toString(16));
  return `${network.join(':')}::/64`;
}

/** An IPv4 address at the end is two groups; it is never in the network. */
const groupsOf = (text: string): string[] =>
  text === '' ? [] : text.split(':').flatMap(it => (it.includes('.') ? ['0', '0'] : [it]));
