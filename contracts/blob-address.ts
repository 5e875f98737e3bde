/** Where the blobs are, as a setting says it. */

export type FolderAddress = { readonly kind: 'folder'; readonly path: string };
export type BucketAddress = {
  readonly kind: 'bucket';
  readonly bucket: string;
  /** Before each key; empty, or ends with a slash. */
  readonly prefix: string;
  /** Without a slash at its end. Absent: Amazon's of this region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** The bucket in the path of the URL, as MinIO wants it, not in its host name. */
  readonly pathStyle: boolean;
};
export type BlobAddress = FolderAddress | BucketAddress;

export type BlobSettings = {
  /** Absent: the folder `blobs` of the data directory. */
  readonly address: BlobAddress | undefined;
  readonly accessKeyId: string | undefined;
  /** As it is, or a file that has it. */
  readonly secretAccessKey: string | undefined;
  readonly secretAccessKeyFile: string | undefined;
};

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^(?:[A-Za-z0-9_=-][A-Za-z0-9_.=-]*\/)*$/;
const REGION = /^[a-z0-9-]{1,64}$/;
const PARAMETERS = ['endpoint', 'region', 'pathStyle'];

/** What it must be, for whoever set something else. */
export const BLOB_ADDRESS =
  'file:///path or s3://bucket/prefix?endpoint=https://host&region=eu-central-1&pathStyle=true, without credentials';

/** Undefined: it is no such address. */
export function parseBlobAddress(text: string): BlobAddress | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Credentials have settings of their own: an address is shown.
  if (url === undefined || url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
  if (url.protocol === 'file:') return folderOf(url);
  return url.protocol === 's3:' ? bucketOf(url) : undefined;
}

/** What is wrong with settings that are right one by one. */
export function blobProblems({ address, accessKeyId, secretAccessKey, secretAccessKeyFile }: BlobSettings): string[] {
  const found: string[] = [];
  if (secretAccessKey !== undefined && secretAccessKeyFile !== undefined)
    found.push('SKEIN_BLOBS_SECRET_ACCESS_KEY and SKEIN_BLOBS_SECRET_ACCESS_KEY_FILE are both set: set one of them');
  if (
    address?.kind === 'bucket' &&
    (accessKeyId === undefined || (secretAccessKey ?? secretAccessKeyFile) === undefined)
  )
    found.push(
      'SKEIN_BLOBS_URL names a bucket: set SKEIN_BLOBS_ACCESS_KEY_ID, and SKEIN_BLOBS_SECRET_ACCESS_KEY or SKEIN_BLOBS_SECRET_ACCESS_KEY_FILE',
    );
  return found;
}

function folderOf({ hostname, pathname, search }: URL): FolderAddress | undefined {
  const path = decoded(pathname);
  const isFolder = hostname === '' && search === '' && path !== undefined && path !== '/' && !path.includes('\0');
  return isFolder ? { kind: 'folder', path } : undefined;
}

function bucketOf({ hostname: bucket, pathname, port, searchParams }: URL): BucketAddress | undefined {
  const prefix = pathname
    .replace(/^\/+|\/+$/g, '')
    .replace(/$/, '/')
    .replace(/^\/$/, '');
  const region = searchParams.get('region') ?? 'us-east-1';
  const pathStyle = searchParams.get('pathStyle') ?? 'false';
  const endpointText = searchParams.get('endpoint');
  const endpoint = endpointText === null ? undefined : originOf(endpointText);
  const isBucket =
    BUCKET.test(bucket) &&
    port === '' &&
    PREFIX.test(prefix) &&
    REGION.test(region) &&
    ['true', 'false'].includes(pathStyle) &&
    (endpointText === null || endpoint !== undefined) &&
    [...searchParams.keys()].every((name, at, all) => PARAMETERS.includes(name) && all.indexOf(name) === at);
  return isBucket ? { kind: 'bucket', bucket, prefix, endpoint, region, pathStyle: pathStyle === 'true' } : undefined;
}

function originOf(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url !== undefined && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
  return isOrigin ? url.origin : undefined;
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
