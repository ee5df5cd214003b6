import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readRunFile, readTruths, runFilePath } from '../../../simulators/score/truth-file.ts'
import { tempDir } from '../../support/temp-dir.ts'

const openEndMs = 5_000_000
const least = { id: 'leak-1', device: 'meter-1', kind: 'water_leak', onset: 1_000_000 }

function fileOf(...lines: readonly (object | string)[]): string {
  const path = join(tempDir(), 'truth.ndjson')
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
  writeFileSync(path, `${text.join('\n')}\n`)
  return path
}

describe('a truth file', () => {
  test('says as little as what, where and when; the rest is filled in', () => {
    expect(readTruths(fileOf(least), openEndMs)).toEqual([
      {
        ...least,
        class: 'process',
        severity: 1,
        detectable_from: least.onset,
        failure: null,
        warn_by: null,
        end: openEndMs,
        grace: 0,
        expect: [],
      },
    ])
  })

  test('or everything, in either kind of time; what it says stays', () => {
    const full = {
      ...least,
      class: 'sensor',
      severity: 'major',
      detectable_from: '2026-11-23T12:00:00Z',
      failure: '2026-11-23T15:00:00+01:00',
      warn_by: 1_795_000_000_000,
      end: '2026-11-23T16:00:00.500Z',
      grace: 60_000,
      expect: ['water-leak'],
      metric: 'flow_l_h',
    }
    expect(readTruths(fileOf(full), openEndMs)).toEqual([
      {
        ...full,
        detectable_from: Date.UTC(2026, 10, 23, 12),
        failure: Date.UTC(2026, 10, 23, 14),
        end: Date.UTC(2026, 10, 23, 16) + 500,
      },
    ])
  })

  test('may have empty lines, and a fault without an end that begins after the run has none before its onset', () => {
    const truths = readTruths(fileOf(least, '', { ...least, id: 'leak-2', onset: openEndMs + 1 }), openEndMs)
    expect(truths.map(({ id, end }) => [id, end])).toEqual([
      ['leak-1', openEndMs],
      ['leak-2', openEndMs + 1],
    ])
  })

  test.each<[string, (object | string)[], string]>([
    ['a torn line', [least, '{"id":"leak'], 'line 2: '],
    ['no JSON object', ['[]'], 'line 1: '],
    ['a time that is none', ['', { ...least, onset: 'yesterday' }], 'line 2: /onset'],
    ['a time without its offset', [{ ...least, onset: '2026-11-23T12:00:00' }], 'line 1: /onset'],
    ['no device', [{ ...least, device: '' }], 'line 1: /device'],
    ['an end before its onset', [{ ...least, end: least.onset - 1 }], 'line 1: /end'],
    ['a negative grace', [{ ...least, grace: -1 }], 'line 1: /grace'],
    ['an id that is there already', [least, least], 'line 2: /id'],
  ])('with %s is refused with the line: exit code 2', (_case, lines, where) => {
    const path = fileOf(...lines)
    expect(() => readTruths(path, openEndMs)).toThrow(
      expect.objectContaining({
        code: 'TIDEMARK_TRUTH_INVALID',
        exitCode: 2,
        message: expect.stringContaining(`${path}, ${where}`),
      }),
    )
  })

  test('that is not there is refused: exit code 2', () => {
    expect(() => readTruths(join(tempDir(), 'none'), 0)).toThrow(
      expect.objectContaining({ code: 'TIDEMARK_TRUTH_INVALID', exitCode: 2 }),
    )
  })
})

describe('the run file beside it', () => {
  const run = {
    scenario: 'coldchain',
    seed: 7,
    startMs: 1,
    endMs: 2,
    devices: ['fridge-1'],
    pass: [{ figure: 'recall', atLeast: 1 }],
  }

  test('says what ran; without one nothing does', () => {
    const truthFile = fileOf(least)
    expect(readRunFile(truthFile)).toBeUndefined()
    writeFileSync(runFilePath(truthFile), JSON.stringify(run))
    expect(runFilePath(truthFile)).toBe(`${truthFile}.run.json`)
    expect(readRunFile(truthFile)).toEqual(run)
  })

  test.each([
    ['{', ''],
    [JSON.stringify({ ...run, devices: 'all' }), '/devices'],
    [JSON.stringify({ ...run, pass: [{ figure: 1 }] }), '/pass/0/figure'],
  ])('that is none, %s, is refused: exit code 2', (text, where) => {
    const truthFile = fileOf(least)
    writeFileSync(runFilePath(truthFile), text)
    expect(() => readRunFile(truthFile)).toThrow(
      expect.objectContaining({
        code: 'TIDEMARK_TRUTH_INVALID',
        exitCode: 2,
        message: expect.stringContaining(`.run.json: ${where}`),
      }),
    )
  })
})
