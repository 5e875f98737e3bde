/** Secrets that a test knows, and every form in which one of them could have been written down. */

/** Names of fields of answers that hold secrets. */
const FIELDS = new Set([
  'apiKey',
  'key',
  'token',
  'accessToken',
  'refreshToken',
  'secret',
  'recoveryCodes',
  'privateKey',
  'provisioningSecret',
  'claimCode',
]);
/** What is shorter is found by chance. */
const SHORTEST = 8;

export class Secrets {
  /** By the text to look for: what it is of. */
  readonly #forms = new Map<string, string>();
  readonly kinds = new Set<string>();

  add(kind: string, secret: string): string {
    this.kinds.add(kind);
    for (const form of formsOf(essence(secret))) if (form.length >= SHORTEST) this.#forms.set(form, kind);
    return secret;
  }

  /** Everything in an answer that is a secret by its name. */
  addFrom(kind: string, answer: unknown): void {
    if (typeof answer !== 'object' || answer === null) return;
    for (const [name, value] of Object.entries(answer)) {
      const texts = [value].flat().filter(it => typeof it === 'string');
      if (FIELDS.has(name)) for (const text of texts) this.add(`${kind}: ${name}`, text);
      this.addFrom(kind, value);
    }
  }

  get size(): number {
    return this.#forms.size;
  }

  /** Of which kinds something is in a text, with what is before it. */
  in(text: string): string[] {
    const found: string[] = [];
    for (const [form, kind] of this.#forms) {
      const at = text.indexOf(form);
      if (at >= 0) found.push(`${kind} behind ${JSON.stringify(text.slice(Math.max(0, at - 100), at))}`);
    }
    return found;
  }
}

/** What must not be known: of a key or a token its last part, of a PEM what is between its lines. */
function essence(secret: string): string {
  if (secret.startsWith('-----BEGIN')) return secret.split('\n').slice(1, 3).join('\n').slice(-60);
  if (/^eyJ/.test(secret)) return secret.split('.')[2]!;
  return /^sk[a-z]_/.test(secret) ? secret.slice(secret.lastIndexOf('_') + 1) : secret;
}

function formsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const raw = /^[A-Z2-7]{32}$/.test(text) ? [fromBase32(text).toString('hex')] : [];
  const plain = [
    text,
    text.split('\n')[0]!,
    encodeURIComponent(text),
    JSON.stringify(text).slice(1, -1),
    bytes.toString('hex'),
  ];
  return [...new Set([...plain, ...raw, ...inBase64(bytes)])];
}

/** As it is inside of a longer text: at each of the three places where a group of base64 can begin, without what its neighbours change. */
function inBase64(bytes: Buffer): string[] {
  const forms: string[] = [];
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const inner = encoded.slice(shift === 0 ? 0 : 4, -2);
    forms.push(inner, inner.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms;
}

/** RFC 4648, section 6: what an authenticator app takes. */
function fromBase32(text: string): Buffer {
  let bits = 0n;
  for (const letter of text) bits = (bits << 5n) | BigInt('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter));
  return Buffer.from(bits.toString(16).padStart(40, '0'), 'hex');
}
