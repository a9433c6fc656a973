// A certificate for 127.0.0.1 and localhost, made with openssl.
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/**
 * Makes a self-signed certificate in `folder`; it is its own authority.
 * @param {string} folder
 * @returns {Promise<{ cert: string, key: string, both: string }>} paths of PEM files; `both` holds key and certificate
 */
export async function makeCertificate(folder) {
  const [key, cert, both] = ['key.pem', 'cert.pem', 'both.pem'].map((name) => join(folder, name))
  if (key === undefined || cert === undefined || both === undefined) throw new Error('unreachable')
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  await promisify(execFile)('openssl', ['req', '-x509', ...curve, '-days', '2', '-keyout', key, '-out', cert, ...names])
  await writeFile(both, `${await readFile(key, 'utf8')}${await readFile(cert, 'utf8')}`)
  return { cert, key, both }
}
