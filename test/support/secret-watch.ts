/** Reads along what a server writes: secrets that can be told by their looks may not be in it, whatever a test is about. */

/** Keys and refresh tokens of ours, JSON Web Tokens, and private keys in PEM; each also behind base64. */
const LOOKS: readonly (readonly [string, RegExp])[] = [
  ['a key or a refresh token', /sk[dar]_[0-9A-Za-z-]{12,}_[0-9A-Za-z_-]{20,}/],
  ['a token', /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/],
  ['a private key', /PRIVATE KEY-----/],
  // `Basic` with one of our keys in it, at each of the three places where a group of base64 can begin.
  ['a key in base64', /(?:c2t[khy]X|Nr(?:ZF|YV|cl)8|za2[RFJ]f)[0-9A-Za-z+/]{50,}/],
];
/** What may begin in one piece of the output and end in the next: the longest token that the tests have is shorter. */
const OVERLAP_CHARACTERS = 8 * 1024;

export class SecretWatch {
  /** What was seen, without the secret itself. */
  readonly found: string[] = [];
  #end = '';

  see(piece: string): void {
    const text = this.#end + piece;
    for (const [what, look] of LOOKS) {
      const at = look.exec(text);
      if (at !== null && !this.found.some(it => it.startsWith(what)))
        this.found.push(`${what}, behind: ${JSON.stringify(text.slice(Math.max(0, at.index - 120), at.index))}`);
    }
    this.#end = text.slice(-OVERLAP_CHARACTERS);
  }

  /** Throws when there was any. */
  check(): void {
    if (this.found.length > 0) throw new Error(`The server wrote secrets into its log: ${this.found.join('; ')}`);
  }
}
