import {
  closeFrame,
  encodeFrame,
  type FieldLines,
  type FrameType,
  fieldsFit,
  frameHeaderSize,
  frameType,
  maxPayload,
  type OctetWriter,
  openFrame,
  writeFields,
} from '@postern/protocol'

/**
 * The frame of a head; undefined for one that the format has no room for, which the other side would take for a breach
 * of the protocol and answer by ending the trunk.
 */
export function headFrame<H extends { readonly fields: FieldLines }>(
  type: FrameType,
  exchange: number,
  head: H,
  write: (writer: OctetWriter, head: H) => void,
): Buffer | undefined {
  if (!fieldsFit(head.fields)) return undefined
  const writer = openFrame(512)
  write(writer, head)
  return writer.length > frameHeaderSize + maxPayload ? undefined : closeFrame(writer, type, exchange)
}

/** The frame that ends one direction; trailer fields that do not fit are left out, as any may be (RFC 9110 section 6.5.1). */
export function endFrame(exchange: number, trailers: FieldLines): Buffer {
  const empty = encodeFrame(frameType.END, exchange, new Uint8Array())
  if (trailers.length === 0) return empty
  const head = { fields: trailers }
  return headFrame(frameType.END, exchange, head, (writer) => writeFields(writer, trailers)) ?? empty
}
