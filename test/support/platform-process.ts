import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { freePort } from '../../bench/services/free-port.ts'
import { ApiClient } from '../../simulators/api-client.ts'
import { startNodeFlags, startProgram, startVariables } from './start-script.ts'

export const repositoryRoot = join(import.meta.dirname, '../..')
export const builtMain = join(repositoryRoot, startProgram)
export const adminToken = 'test-admin-token'
/** Characters that are shown of what a platform wrote before it ended by itself. */
const lastWordsMax = 2_000

/** A real `tidemark start` in a process of its own, run as `npm start` runs it. */
export interface PlatformProcess {
  readonly mqttUrl: string
  readonly httpUrl: string
  readonly dataDir: string
  readonly api: ApiClient
  readonly pid: number
  /** What it wrote to standard error. */
  stderr(): string
  /** Ends it with `signal` and resolves with its exit code (null after SIGKILL). */
  end(signal: NodeJS.Signals): Promise<number | null>
  /** Starts it again on the same ports and data. */
  restart(): Promise<void>
  /** Resolves when the process of the moment has ended, by whatever. */
  readonly ended: Promise<void>
}

/** Starts the built platform on free ports; resolves when it accepts. */
export async function startPlatformProcess(
  dataDir: string,
  flags: readonly string[] = [],
  main = builtMain,
  nodeFlags: readonly string[] = [],
): Promise<PlatformProcess> {
  const [mqttPort, httpPort] = [await freePort(), await freePort()]
  const httpUrl = `http://127.0.0.1:${httpPort}`
  let child: ChildProcess
  let ended: Promise<void>
  let output = ''
  /** By the test. */
  let isEnded = false
  const start = async () => {
    const args = [
      'start',
      '--data-dir',
      dataDir,
      '--mqtt-port',
      String(mqttPort),
      '--http-port',
      String(httpPort),
    ]
    const own = [...args, '--admin-token', adminToken, ...flags]
    child = spawn(process.execPath, [...startNodeFlags, ...nodeFlags, main, ...own], {
      cwd: dataDir,
      env: { ...process.env, ...startVariables },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    ended = new Promise((resolve) => child.once('exit', () => resolve()))
    const started = new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('Tidemark is running')) resolve()
      })
      child.once('exit', (code, signal) =>
        reject(new Error(`the platform ended with ${code ?? signal}: ${output}`)),
      )
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    await started
    isEnded = false
    child.once('exit', (code, signal) => {
      // The test sees only that nothing answers.
      if (!isEnded) console.error(`the platform ended with ${code ?? signal}: ${output.slice(-lastWordsMax)}`)
    })
  }
  await start()
  return {
    mqttUrl: `mqtt://127.0.0.1:${mqttPort}`,
    httpUrl,
    dataDir,
    api: new ApiClient(httpUrl, adminToken),
    get ended() {
      return ended
    },
    get pid() {
      return child.pid ?? 0
    },
    stderr: () => output,
    restart: start,
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
      const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
      isEnded = true
      child.kill(signal)
      return ended
    },
  }
}
