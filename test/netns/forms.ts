/** Text or octets by which something is recognised. */
export type Word = string | Buffer

/**
 * The octets as which a word may stand somewhere: as it is, as UTF-16, and within base64url text (RFC 4648 section 5),
 * in which signed statements carry theirs, at each of the three places where it may begin there.
 */
export function formsOf(word: Word): Buffer[] {
  const plain = typeof word === 'string' ? Buffer.from(word) : word
  const encoded = [0, 1, 2].map((before) => withinBase64(plain, before))
  return typeof word === 'string' ? [plain, Buffer.from(word, 'utf16le'), ...encoded] : [plain, ...encoded]
}

/** The characters that hold nothing but the word where so many octets (modulo 3) come before it. */
function withinBase64(word: Buffer, before: number): Buffer {
  const text = Buffer.concat([Buffer.alloc(before), word]).toString('base64url')
  const shared = (before + word.length) % 3 === 0 ? 0 : 1
  return Buffer.from(text.slice(Math.ceil((before * 8) / 6), text.length - shared))
}
