import { read } from './file.ts'

/** What Dockerfile and .dockerignore say, as far as the tests ask. */

const dockerfile = read('Dockerfile').replaceAll('\\\n', ' ')
/** The last stage is the image; those before it are left behind. */
const stage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
const matchOf = (pattern: RegExp) => pattern.exec(stage)?.[1] ?? ''

export const image = {
  name: 'postern:local',
  user: matchOf(/^USER (.*)$/m),
  entrypoint: JSON.parse(matchOf(/^ENTRYPOINT (.*)$/m)) as readonly string[],
  workFolder: matchOf(/^WORKDIR (.*)$/m),
  /** Where the image has the checkout. */
  folder: '/app/',
  /** The file that the command `postern` is. */
  command: matchOf(/^RUN ln -s (\S+) \/usr\/local\/bin\/postern$/m),
  /** Folders made for the user alone. */
  ownFolders: matchOf(/install --directory --owner=node --group=node --mode=0700 +(.*)/).split(/ +/),
}

/** Paths of the checkout that the build copies by name. */
export const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)]
  .flatMap(([, paths = '']) => paths.split(' '))
  .filter((path) => path !== '.')

/** Whether .dockerignore leaves a path out: the last pattern that matches it or a folder above it says. */
export function ignored(path: string): boolean {
  const above = path.split('/').map((_, at, parts) => parts.slice(0, at + 1).join('/'))
  const lines = read('.dockerignore').split('\n')
  return lines.reduce((out, line) => {
    if (line === '' || line.startsWith('#')) return out
    const glob = line.replace(/^!/, '').replaceAll('.', '\\.')
    const pattern = new RegExp(`^${glob.replaceAll(/\*\*\/|\*/g, (star) => (star === '*' ? '[^/]*' : '(.*/)?'))}$`)
    return above.some((folder) => pattern.test(folder)) ? !line.startsWith('!') : out
  }, false)
}
