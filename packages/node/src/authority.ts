import { statSync } from 'node:fs'
import { join } from 'node:path'
import {
  admit,
  fileNames,
  loadAuthority,
  type Register,
  readRegister,
  readSecretFile,
  sealHeartbeat,
} from '@postern/identity'
import type { Admit, Mesh } from '@postern/mesh'
import { type Clock, type Log, type Meter, PosternError, reasonOf } from '@postern/protocol'
import type { StateWriter } from './state-writer.ts'

export interface AuthorityInit {
  readonly folder: string
  /** How long a credential may be over and still be renewed. */
  readonly graceMs: number
  readonly state: Pick<StateWriter, 'watch'>
  readonly heartbeatMs: number
  /** The longest life of a credential that is renewed. */
  readonly maxLifeMs: number
  readonly clock: Clock
  readonly log: Log
  readonly meter: Meter
}

const lookMs = 1000

/** A node's part as an authority: grants credentials, and tells the mesh of each bulletin that is signed in the folder. */
export class AuthorityPart {
  readonly #init: AuthorityInit
  #timer: NodeJS.Timeout | undefined
  #toldMs = 0
  #beatMs = 0
  #registerMs = 0
  #unreadable: Register['unreadable'] = []

  private constructor(init: AuthorityInit) {
    this.#init = init
  }

  /** Throws what `loadAuthority` throws. */
  static async open(init: AuthorityInit): Promise<AuthorityPart> {
    await loadAuthority(init.folder, init.clock)
    return new AuthorityPart(init)
  }

  /** Lines of the register that cannot be read. */
  get unreadable(): Register['unreadable'] {
    return this.#unreadable
  }

  readonly admit: Admit = async (request) => {
    const { clock, folder, graceMs, log, maxLifeMs, meter } = this.#init
    const options = { graceMs, maxLifeMs }
    const granted = await admit(folder, request, clock, options).catch((error) => this.#unkept(error))
    const { admission, by, name, peer } = granted
    meter.count('enrolments', by)
    log.info('credential granted', { peer, name, by })
    return admission
  }

  /** What could not be kept is not granted; who asked is told no path of this host. */
  #unkept(error: unknown): never {
    if (!(error instanceof PosternError) || error.code !== 'FILE_UNWRITABLE') throw error
    this.#init.state.watch(this.#init.folder)
    throw new PosternError('BUSY', 'the authority cannot keep what it grants now', {
      cause: error,
      remedy: 'try again later; its operator is warned',
    })
  }

  start(mesh: Pick<Mesh, 'announce' | 'beat'>): void {
    this.#timer = setInterval(() => {
      this.#lookAtRegister()
      void this.#tell(mesh).then(() => this.#beat(mesh))
    }, lookMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Says which bulletin is the newest, as the folder has it: a copy of the folder that is older is told by it. */
  async #beat(mesh: Pick<Mesh, 'beat'>): Promise<void> {
    const { clock, folder, heartbeatMs, log } = this.#init
    if (Math.abs(clock.now() - this.#beatMs) < heartbeatMs) return
    this.#beatMs = clock.now()
    try {
      const { bulletin, signatory } = await loadAuthority(folder, clock)
      await mesh.beat(await sealHeartbeat({ sequence: bulletin.seq, atMs: clock.now() }, signatory))
    } catch (error) {
      log.warn('heartbeat not told', { reason: reasonOf(error) })
    }
  }

  #lookAtRegister(): void {
    const { folder, log } = this.#init
    const changedMs = statSync(join(folder, fileNames.register), { throwIfNoEntry: false })?.mtimeMs ?? 0
    if (changedMs === this.#registerMs) return
    this.#registerMs = changedMs
    try {
      this.#unreadable = readRegister(folder).unreadable
    } catch (error) {
      log.warn('register not read', { reason: reasonOf(error) })
    }
  }

  async #tell(mesh: Pick<Mesh, 'announce'>): Promise<void> {
    const file = join(this.#init.folder, fileNames.bulletin)
    const changedMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
    if (changedMs === this.#toldMs) return
    try {
      await mesh.announce(readSecretFile(file).trim())
      this.#toldMs = changedMs
    } catch (error) {
      this.#init.log.warn('bulletin not told', { reason: reasonOf(error) })
    }
  }
}
