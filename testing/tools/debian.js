// Debian packages, unpacked into a folder: nothing is installed, and root rights are not needed.
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.js'

const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * Downloads packages and unpacks them into one folder.
 * @param {string[]} packages
 * @param {string} folder replaced if it exists
 * @param {string[]} [options] for apt-get
 */
export async function unpackDebian(packages, folder, options = []) {
  const [downloads, unpacked] = [`${folder}.downloads`, `${folder}.unpacked`]
  for (const old of [folder, downloads, unpacked]) await rm(old, { recursive: true, force: true })
  await mkdir(downloads, { recursive: true })
  await run('apt-get', [...options, 'download', ...packages], { cwd: downloads })
  for (const file of await readdir(downloads)) {
    if (file.endsWith('.deb')) await run('dpkg', ['-x', join(downloads, file), unpacked])
  }
  await rm(downloads, { recursive: true, force: true })
  await rename(unpacked, folder)
}

/**
 * The folder of the unpacked libraries.
 * @param {string} folder
 */
export async function librariesIn(folder) {
  const lib = join(folder, 'usr/lib')
  const architecture = (await readdir(lib)).find((name) => name.endsWith('-linux-gnu'))
  if (architecture === undefined) throw new Error(`no libraries in ${lib}`)
  return join(lib, architecture)
}

/**
 * The program loader in a folder of libraries. A program started by it uses these libraries in place of the machine's.
 * @param {string} libraries their folder
 */
export async function loaderIn(libraries) {
  const loader = (await readdir(libraries)).find((file) => /^ld-linux.*\.so\.\d$/.test(file))
  if (loader === undefined) throw new Error(`no loader in ${libraries}`)
  return join(libraries, loader)
}

/**
 * Options that make apt-get use one release of Debian, whatever the machine's own release is.
 * @param {string} release
 * @param {string} folder for apt-get's lists
 * @returns {Promise<string[]>}
 */
export async function optionsForRelease(release, folder) {
  await mkdir(join(folder, 'lists/partial'), { recursive: true })
  await mkdir(join(folder, 'cache/archives/partial'), { recursive: true })
  const sites = await run('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages'])
  const site = sites.split('\n').find((line) => line.endsWith('/debian'))
  if (site === undefined) throw new Error('apt-get has no source of Debian')
  const source = join(folder, 'sources.list')
  await writeFile(source, `deb [signed-by=${KEYS}] ${site} ${release} main\n`)
  const options = [
    `Dir::Etc::sourcelist=${source}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(folder, 'lists')}`,
    'Dir::State::status=/dev/null',
    `Dir::Cache=${join(folder, 'cache')}`,
  ].flatMap((option) => ['-o', option])
  await run('apt-get', [...options, 'update'])
  return options
}
