import { once } from 'node:events'
import { WebSocket } from 'ws'

/** Asks all threads of a Node process that was started with `--inspect=127.0.0.1:0`; its code is as it always is. */
export interface ProcessInspector {
  /** What its threads hold together, once they have collected their garbage. */
  held(): Promise<Held>
  /** Functions that the event emitters of its threads would call. Half a second of work for each thread: its whole heap is looked at. */
  listeners(): Promise<number>
  close(): void
}

export interface Held {
  readonly threads: number
  readonly heapMib: number
  readonly timers: number
}

/** A session with one thread. Source: the Chrome DevTools protocol, and Node's domain `NodeWorker`. */
type Ask = <Result = object>(method: string, params?: object) => Promise<Result>

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly sessionId: string; readonly message: string }
  readonly result?: object
  readonly error?: { readonly message: string }
}

const objectGroup = 'held'

/** `this` are all objects that have the prototype of event emitters, among them prototypes that never were made one. */
const countListeners = `function () {
  const own = (emitter) => emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)
  return this.reduce((sum, emitter) => sum + (emitter._events ? own(emitter) : 0), 0)
}`

/** `stderr` is what the process has written, where Node tells the address of its inspector. Rejects where that is missing. */
export async function inspectProcess(stderr: string): Promise<ProcessInspector> {
  const [url] = /ws:\/\/127\.0\.0\.1:\d+\/\S+/.exec(stderr) ?? []
  if (url === undefined) throw new Error('the process has no inspector')
  const socket = new WebSocket(url, { perMessageDeflate: false })
  await once(socket, 'open')
  const threads = new Map<string, Ask>()
  const heard = new Map<string, (message: Message) => void>()
  const main = session((text) => socket.send(text))
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString()) as Message
    const { sessionId } = message.params ?? { sessionId: '' }
    if (message.method === 'NodeWorker.attachedToWorker') {
      const worker = session(
        (text) => void main.ask('NodeWorker.sendMessageToWorker', { sessionId, message: text }),
      )
      threads.set(sessionId, worker.ask)
      heard.set(sessionId, worker.hear)
    } else if (message.method === 'NodeWorker.receivedMessageFromWorker')
      heard.get(sessionId)?.(JSON.parse(message.params!.message) as Message)
    else main.hear(message)
  })
  await main.ask('NodeWorker.enable', { waitForDebuggerOnStart: false })
  return {
    held: async () => {
      const all = await Promise.all([main.ask, ...threads.values()].map(heldBy))
      const heapMib = all.reduce((sum, held) => sum + held.heapMib, 0)
      return { threads: all.length, heapMib, timers: all.reduce((sum, { timers }) => sum + timers, 0) }
    },
    listeners: async () => {
      const all = await Promise.all([main.ask, ...threads.values()].map(listenersOf))
      return all.reduce((sum, listeners) => sum + listeners, 0)
    },
    close: () => socket.terminate(),
  }
}

function session(send: (text: string) => void): { ask: Ask; hear: (message: Message) => void } {
  const waiting = new Map<number, (message: Message) => void>()
  let lastId = 0
  return {
    ask: (method, params = {}) =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        waiting.set(id, ({ result, error }) =>
          error === undefined ? resolve(result as never) : reject(new Error(`${method}: ${error.message}`)),
        )
        send(JSON.stringify({ id, method, params }))
      }),
    hear: (message) => {
      const settle = waiting.get(message.id ?? 0)
      waiting.delete(message.id ?? 0)
      settle?.(message)
    },
  }
}

async function heldBy(ask: Ask): Promise<Held> {
  await ask('HeapProfiler.collectGarbage')
  const { usedSize } = await ask<{ usedSize: number }>('Runtime.getHeapUsage')
  const expression = `process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length`
  const { result } = await ask<{ result: { value: number } }>('Runtime.evaluate', { expression })
  return { threads: 1, heapMib: usedSize / 2 ** 20, timers: result.value }
}

async function listenersOf(ask: Ask): Promise<number> {
  const expression = `process.getBuiltinModule('node:events').prototype`
  const prototype = await ask<{ result: { objectId: string } }>('Runtime.evaluate', {
    expression,
    objectGroup,
  })
  const { objects } = await ask<{ objects: { objectId: string } }>('Runtime.queryObjects', {
    prototypeObjectId: prototype.result.objectId,
    objectGroup,
  })
  const { result } = await ask<{ result: { value: number } }>('Runtime.callFunctionOn', {
    objectId: objects.objectId,
    functionDeclaration: countListeners,
    returnByValue: true,
  })
  await ask('Runtime.releaseObjectGroup', { objectGroup })
  return result.value
}
