// A Redis Cluster: three masters with a replica each.
import { freePort, isListening, until } from '../program.js'
import { startRedis } from './redis-server.js'

/** The bus of a node listens at the node's port plus this. */
const BUS = 10_000
const MASTERS = 3
const SLOTS = 16_384

/**
 * @param {{ binary?: import('./redis-server.js').Binary, nodeTimeout?: number }} [options] `nodeTimeout`: after how many milliseconds without
 *   an answer a node counts as failed
 */
export async function startCluster({ binary, nodeTimeout = 1_000 } = {}) {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', `${nodeTimeout}`, '--repl-diskless-sync-delay', '0']
  /** @type {import('./redis-server.js').RedisServer[]} */
  const nodes = []
  for (let count = 0; count < 2 * MASTERS; count++) {
    nodes.push(await startRedis({ ...(binary && { binary }), args, port: await freePortForCluster() }))
  }
  const [masters, replicas] = [nodes.slice(0, MASTERS), nodes.slice(MASTERS)]
  try {
    await introduce(nodes)
    await share(masters)
    await follow(masters, replicas)
  } catch (error) {
    await Promise.all(nodes.map((node) => node.stop()))
    throw error
  }
  return { nodes, masters, replicas, stop: () => Promise.all(nodes.map((node) => node.stop())) }
}

/** @param {import('./redis-server.js').RedisServer[]} nodes */
async function introduce(nodes) {
  const meetings = nodes.slice(1).map(({ port }) => ['CLUSTER', 'MEET', '127.0.0.1', `${port}`])
  await nodes[0]?.admin(...meetings)
  await until(() => all(nodes, ['CLUSTER', 'INFO'], `cluster_known_nodes:${nodes.length}`), 'the nodes to know each other')
}

/** @param {import('./redis-server.js').RedisServer[]} masters */
async function share(masters) {
  for (const [index, master] of masters.entries()) {
    const [from, to] = [index, index + 1].map((part) => Math.ceil((part * SLOTS) / masters.length))
    const slots = Array.from({ length: Number(to) - Number(from) }, (_, slot) => String(Number(from) + slot))
    await master.admin(['CLUSTER', 'ADDSLOTS', ...slots])
  }
  await until(() => all(masters, ['CLUSTER', 'INFO'], 'cluster_state:ok'), 'the slots to be taken')
}

/** @param {import('./redis-server.js').RedisServer[]} masters @param {import('./redis-server.js').RedisServer[]} replicas */
async function follow(masters, replicas) {
  for (const [index, replica] of replicas.entries()) {
    const id = String(await masters[index]?.admin(['CLUSTER', 'MYID']))
    await until(() => all([replica], ['CLUSTER', 'NODES'], id), 'a replica to know its master')
    await replica.admin(['CLUSTER', 'REPLICATE', id])
  }
  await until(() => all(replicas, ['INFO', 'replication'], 'master_link_status:up'), 'the replicas to follow')
  await until(() => all([...masters, ...replicas], ['CLUSTER', 'INFO'], 'cluster_state:ok'), 'the cluster to be whole')
}

/**
 * Whether the reply of every node contains the text.
 * @param {import('./redis-server.js').RedisServer[]} nodes
 * @param {string[]} command
 * @param {string} text
 */
async function all(nodes, command, text) {
  const answers = await Promise.all(nodes.map((node) => node.admin(command)))
  return answers.every((answer) => String(answer).includes(text))
}

async function freePortForCluster() {
  for (;;) {
    const port = 20_000 + ((await freePort()) % 20_000)
    if (!(await isListening(port)) && !(await isListening(port + BUS))) return port
  }
}
