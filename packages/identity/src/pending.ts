import { createPrivateKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, PosternError, systemClock } from '@postern/protocol'
import { z } from 'zod'
import { Bulletin } from './bulletin.ts'
import { type VerifiedCredential, verifierOf } from './credential.ts'
import { openAdmission, replyKey, sealEnrolment } from './enrolment.ts'
import { type Invitation, invitedMeshSchema } from './invite.ts'
import { membershipFiles, writeMembership } from './issue.ts'
import { generateKey, loadKey, type NodeKey, saveKey } from './keys.ts'
import { fileNames, readSecretFile, removeFile, replaceFile } from './store.ts'

const pendingSchema = z.strictObject({ reply: z.string(), mesh: invitedMeshSchema })

/** A node folder that waits for an authority's answer. */
export interface Pending {
  readonly key: NodeKey
  /** For an authority, see `admit`. */
  readonly request: string
}

/**
 * Begins to join: makes the node's key, which stays here, and the request. What was begun before and not finished goes on
 * with the same keys, so that an invite whose answer was lost is still good, and so is an answer to an earlier request.
 * Throws FILE_EXISTS where a node is.
 */
export async function beginJoin(folder: string, { invite, mesh }: Invitation): Promise<Pending> {
  const at = (name: string) => join(folder, fileNames.state, name)
  const begun = existsSync(at(fileNames.pending))
  for (const file of membershipFiles(folder)) {
    if (begun || !existsSync(file)) continue
    throw new PosternError('FILE_EXISTS', `${file} exists already: there is a node in this folder`, {
      remedy: 'choose another folder with --dir',
    })
  }
  if (!existsSync(at(fileNames.nodeKey))) saveKey(at(fileNames.nodeKey), generateKey())
  const key = loadKey(at(fileNames.nodeKey))
  const reply = begun ? readPending(folder).reply : replyKey()
  const pem = reply.export({ type: 'pkcs8', format: 'pem' })
  replaceFile(at(fileNames.pending), JSON.stringify({ reply: pem, mesh }))
  return { key, request: await sealEnrolment(key, reply, { invite }) }
}

/**
 * Takes the authority's answer: the folder is that of a member then. Throws FILE_MISSING where nothing was begun,
 * KEY_INVALID, BAD_MESSAGE, or CREDENTIAL_… where the answer is not for this node; then nothing is written.
 */
export async function finishJoin(
  folder: string,
  admission: string,
  clock: Clock = systemClock,
): Promise<VerifiedCredential> {
  const at = (name: string) => join(folder, fileNames.state, name)
  if (!existsSync(at(fileNames.pending)))
    throw new PosternError('FILE_MISSING', `no answer is waited for in ${folder}`, {
      remedy: 'choose the folder where `postern join --offline` was run; where it was taken already nothing is to do',
    })
  const key = loadKey(at(fileNames.nodeKey))
  const { mesh, reply } = readPending(folder)
  const membership = await openAdmission(admission, reply, new Bulletin({ mesh, clock }))
  const bulletin = new Bulletin({ mesh: membership.mesh, clock })
  if (membership.bulletin !== '') await bulletin.learn(membership.bulletin)
  const credential = await verifierOf(bulletin).credential(membership.credential, key.peerId.toString())
  // What is there is of an attempt that broke off: there was none of it when this was begun.
  for (const file of membershipFiles(folder)) removeFile(file)
  writeMembership(folder, membership)
  removeFile(at(fileNames.pending))
  return credential
}

/** Throws FILE_MISSING, KEY_TOO_OPEN or KEY_INVALID. */
function readPending(folder: string) {
  const file = join(folder, fileNames.state, fileNames.pending)
  const text = readSecretFile(file)
  try {
    const { mesh, reply } = pendingSchema.parse(JSON.parse(text))
    return { mesh, reply: createPrivateKey(reply) }
  } catch (cause) {
    throw new PosternError('KEY_INVALID', `${file} is not what was begun`, {
      cause,
      remedy: 'remove it, and join again',
    })
  }
}
