import { join } from 'node:path'
import { fileNames, loadKey, loadMember, loadMeshFile, loadMeshSecret, type Member, termOf } from '@postern/identity'
import { type CertificateFiles, loadCertificate } from '@postern/ingress/certificate'
import type { Clock } from '@postern/protocol'
import { type Config, rolesOf } from '../config.ts'
import { type ConfigSources, loadConfig } from '../config-file.ts'
import { checkGrants } from '../grants.ts'
import { renewalDueMs } from '../renewal.ts'
import type { Examination } from './examination.ts'

/** What a node is made of, as far as it could be read. */
export interface Folder {
  readonly config?: Config | undefined
  readonly member?: Member | undefined
}

/** Looks at all that is read before a node starts: each file by itself, so that what is wrong with one hides no other. */
export async function examineFolder(
  examination: Examination,
  file: string,
  options: ConfigSources & { readonly clock: Clock },
): Promise<Folder> {
  const config = await examination.of('config', () => {
    const value = loadConfig(file, options)
    return { value, said: `${file}: ${rolesOf(value).join(', ')}` }
  })
  if (config === undefined) return {}
  const mesh = await examination.of('mesh file', () => {
    const value = loadMeshFile(config.mesh)
    return { value, said: `${value.name}, ${value.bootstrap.length} relays to start from` }
  })
  const secret =
    mesh &&
    (await examination.of('mesh secret', () => ({ value: loadMeshSecret(mesh, config.mesh), said: mesh.secret })))
  const key = await examination.of('key', () => {
    const value = loadKey(join(config.state, fileNames.nodeKey))
    return { value, said: value.peerId.toString() }
  })
  const member = secret && key && (await examineMember(examination, config, options.clock))
  for (const { tls } of config.ingress?.listen ?? []) if (tls !== undefined) await examineCertificate(examination, tls)
  return { config, member }
}

async function examineMember(examination: Examination, config: Config, clock: Clock): Promise<Member | undefined> {
  const member = await examination.of('credential', async () => {
    const value = await loadMember(config.mesh, config.state, clock)
    const { name, notBeforeMs } = value.credential
    const expiresMs = termOf(value).untilMs
    const facts = { credential: { expiresMs, notBeforeMs, dueMs: renewalDueMs(value), revoked: false } }
    return { value, said: `${name}, valid until ${new Date(expiresMs).toISOString()}`, facts }
  })
  if (member === undefined) return undefined
  await examination.of('grants', () => {
    checkGrants(config, member)
    return { value: undefined, said: 'its roles and services are those of the config' }
  })
  return member
}

/** That a listener can show its certificate: that there is one, that the key is its own, and until when it is good. */
async function examineCertificate(examination: Examination, files: CertificateFiles): Promise<void> {
  await examination.of(`certificate ${files.cert}`, () => {
    const { expiresMs, file } = loadCertificate(files)
    const facts = { certificates: [{ file, expiresMs }] }
    return { value: undefined, said: `valid until ${new Date(expiresMs).toISOString()}`, facts }
  })
}
