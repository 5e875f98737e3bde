/** s3rver lists in an order of its own, and its pages need a cipher that is no more. This makes pages as S3 does out of one list of all. */
const keyOf = (entry: string): string => /<Key>(.*?)<\/Key>/.exec(entry)![1]!;
/** With what has to be escaped in XML and in a URL. */
const tokenAfter = (key: string): string => `${Buffer.from(key).toString('base64')}+&"<`;
const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');

export function pageOfAll(xml: string, token: string | null, pageKeys: number): string {
  const all = [...xml.matchAll(/<Contents>.*?<\/Contents>/gs)].map(it => it[0]);
  all.sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1));
  const rest = all.slice(token === null ? 0 : all.findIndex(it => tokenAfter(keyOf(it)) === token) + 1);
  const page = rest.slice(0, pageKeys);
  const isTruncated = page.length < rest.length;
  const next = isTruncated ? escaped(tokenAfter(keyOf(page.at(-1)!))) : undefined;
  return [
    `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>`,
    next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`,
    ...page,
    '</ListBucketResult>',
  ].join('');
}
