/** Requests to a bucket: signed, each with a time limit, and asked again when that can help. */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { AwsClient } from 'aws4fetch';
import type { BucketAddress } from '../../contracts/blob-address.ts';
import { BlobError } from '../../contracts/blobs.ts';
import type { Limits } from '../../contracts/limits.ts';
import { S3Answer } from './s3-answer.ts';
import { s3Error } from './s3-answers.ts';

export type S3Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string };
export type S3Limits = Pick<Limits, 'blobPartMaxBytes' | 'blobTimeoutMs' | 'blobAttempts' | 'blobRetryMs'>;
export type S3Request = {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Absent: the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
};

export class S3Requests {
  readonly limits: S3Limits;
  readonly prefix: string;
  readonly #base: URL;
  readonly #client: AwsClient;
  readonly #underWay = new Set<S3Answer>();
  #isClosed = false;

  constructor(address: BucketAddress, credentials: S3Credentials, limits: S3Limits) {
    this.limits = limits;
    this.prefix = address.prefix;
    this.#base = baseOf(address);
    this.#client = new AwsClient({ ...credentials, service: 's3', region: address.region });
  }

  /** The answer, when its status is one of these; its body must be taken or left. Rejects with a BlobError. */
  async send(request: S3Request, ...statuses: readonly number[]): Promise<S3Answer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#once(request).catch((error: BlobError) => error);
      if (answer instanceof S3Answer && statuses.includes(answer.status)) return answer;
      const error = answer instanceof S3Answer ? await this.#errorOf(answer) : answer;
      if (error.kind !== 'unavailable' || attempt >= this.limits.blobAttempts || this.#isClosed) throw error;
      await this.backOff(attempt);
    }
  }

  /** The same, for an answer whose text matters; or nothing but that it came. */
  async text(request: S3Request, ...statuses: readonly number[]): Promise<string> {
    const answer = await this.send(request, ...statuses);
    return answer.text();
  }

  /** Not all at once: those who failed together should not come back together. */
  async backOff(attempt: number): Promise<void> {
    await pause(this.limits.blobRetryMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
  }

  /** What is under way ends with `unavailable`. */
  close(): void {
    this.#isClosed = true;
    for (const answer of this.#underWay) answer.leave();
  }

  async #once({ method, key, query, headers, body }: S3Request): Promise<S3Answer> {
    if (this.#isClosed) throw this.#unavailable('it was closed');
    const url = new URL(this.#base);
    if (key !== undefined) url.pathname += this.prefix + key;
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const answer = new S3Answer(this.limits.blobTimeoutMs, why => this.#unavailable(why));
    this.#underWay.add(answer);
    answer.ended.then(() => this.#underWay.delete(answer));
    // Signed as well: over plain HTTP nobody on the way can change it unseen.
    const hash = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    const signed = await this.#client.sign(url, {
      method,
      headers: { ...headers, 'x-amz-content-sha256': hash },
      body: (body ?? null) as RequestInit['body'],
      redirect: 'manual',
      signal: answer.signal,
    });
    return answer.from(fetch(signed));
  }

  async #errorOf(answer: S3Answer): Promise<BlobError> {
    const xml = await answer.text().catch(() => '');
    return s3Error(this.#base.host, answer.status, xml);
  }

  #unavailable(why: string): BlobError {
    return new BlobError('unavailable', `The blob store at ${this.#base.host} can not be reached: ${why}`);
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html */
function baseOf({ bucket, endpoint, region, pathStyle }: BucketAddress): URL {
  const url = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`);
  if (pathStyle) url.pathname = `/${bucket}/`;
  else url.hostname = `${bucket}.${url.hostname}`;
  return url;
}
