import { type ChildProcess, spawn } from 'node:child_process'
import { onTestFinished } from 'vitest'
import { builtMain } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

export interface CliResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningCli {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  readonly ended: Promise<CliResult>
}

/** Starts the built `tidemark` in an empty folder and an environment without our variables; ended when the test ends. */
export function startCli(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; main?: string } = {},
): RunningCli {
  const { main = builtMain } = options
  const child = spawn(process.execPath, [main, ...args], {
    cwd: options.cwd ?? tempDir(),
    env: { PATH: process.env.PATH, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return watched(child)
}

export function watched(child: ChildProcess): RunningCli {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<CliResult>((resolve) =>
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr })),
  )
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, stdout: () => stdout, stderr: () => stderr, ended }
}

/** Runs the built `tidemark` to its end. */
export function runCli(
  args: readonly string[],
  options?: Parameters<typeof startCli>[1],
): Promise<CliResult> {
  return startCli(args, options).ended
}
