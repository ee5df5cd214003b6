import { extname } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { isDeviceId, isDeviceType } from '../domain/names.ts'
import { TidemarkError } from '../lib/errors.ts'
import { csvRecording, ndjsonRecording, type Recording } from '../simulators/recording.ts'
import { replay } from '../simulators/replay.ts'
import { loadReplayMap } from '../simulators/replay-map.ts'
import { client } from './connection.ts'
import { type Connection, rateHint, speedOrMax, time, withConnection } from './simulate-options.ts'
import { interruptible, progressLine, report } from './terminal.ts'

type Format = 'csv' | 'ndjson'

interface ReplayFlags extends Connection {
  format?: Format
  map?: string
  type?: string
  device?: string
  speed: number
  start?: number
  shiftToNow?: boolean
  ledger?: string
}

/** `tidemark simulate replay` */
export function replayCommand(): Command {
  return withConnection(new Command('replay'))
    .description('play a recording (CSV or NDJSON) through MQTT at QoS 1')
    .argument('<file>', 'CSV with a header, or a reading a line as ledgers and `generate` have them')
    .addOption(
      new Option('--format <format>', 'else by the name: .csv, .ndjson, .jsonl').choices(['csv', 'ndjson']),
    )
    .option('--map <file>', 'of CSV: JSON file that maps its columns to metrics')
    .option('--device <id>', 'of CSV: device id instead of the map’s', deviceId)
    .option('--type <type>', 'of NDJSON: type of devices whose lines do not say it', deviceType)
    .addOption(
      new Option('--speed <factor|original|max>', 'how much faster than recorded')
        .argParser((text) => (text === 'original' ? 1 : speedOrMax(text)))
        .default(Number.POSITIVE_INFINITY, 'max'),
    )
    .option('--start <time>', 'move the times so that the recording begins there, RFC 3339', time)
    .option('--shift-to-now', 'move the times so that it begins now, or with a higher speed ends now')
    .option('--ledger <file>', 'append a line for each acknowledged message')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ tidemark simulate replay house.csv --map simulators/maps/household-power.json --ledger house.ndjson\n' +
        '  $ tidemark simulate replay room.csv --map simulators/maps/room-occupancy.json --speed 600 --shift-to-now\n' +
        '  $ tidemark simulate replay readings.ndjson --speed original --shift-to-now\n' +
        '  $ tidemark simulate replay run-ledger.ndjson --type fridge --start 2026-11-01T00:00:00Z\n\n' +
        'A map names the device, its type, the column, format (Unicode tokens) and zone of the time, and the column of\n' +
        'each metric with an optional scale. An empty cell is no value. A local time that occurs twice when clocks go\n' +
        'back is the first unless the row before was later; one that is skipped is read by the offset before.\n' +
        rateHint +
        'Exit code 1: something sent was not acknowledged; 2: usage, or the recording; 3: no connection.\n',
    )
    .action(async (file: string, flags: ReplayFlags) => {
      if (flags.start !== undefined && flags.shiftToNow)
        throw invalid('--start and --shift-to-now: one of them')
      const recording = await opened(file, flags)
      const progress = progressLine()
      await interruptible(async (signal) => {
        const result = await replay({
          recording,
          mqttUrl: flags.url,
          api: client(flags),
          speed: flags.speed,
          start: flags.shiftToNow ? 'now' : flags.start,
          ledger: flags.ledger,
          signal,
          onProgress: (rows) => progress(`${rows} rows`),
        })
        report(result, flags.json)
        if (result.acknowledged < result.sent) process.exitCode = 1
      })
    })
}

function opened(file: string, { format, map, device, type }: ReplayFlags): Promise<Recording> {
  const found = format ?? formats[extname(file).toLowerCase()]
  if (found === undefined)
    throw invalid(`${file} has another ending than .csv, .ndjson, .jsonl: give --format`)
  if (found === 'ndjson') {
    if (map !== undefined || device !== undefined)
      throw invalid('--map and --device are for CSV; NDJSON names its devices')
    return ndjsonRecording(file, type)
  }
  if (map === undefined) throw invalid('CSV needs --map, which says what its columns are')
  if (type !== undefined) throw invalid('--type is for NDJSON; the map says it for CSV')
  const read = loadReplayMap(map)
  return csvRecording(file, device === undefined ? read : { ...read, device })
}

const formats: Readonly<Record<string, Format>> = { '.csv': 'csv', '.ndjson': 'ndjson', '.jsonl': 'ndjson' }

function deviceId(text: string): string {
  if (isDeviceId(text)) return text
  throw new InvalidArgumentError('expected a device id: letters, digits and _ . : -, at most 64')
}

function deviceType(text: string): string {
  if (isDeviceType(text)) return text
  throw new InvalidArgumentError('expected a device type such as smart_meter')
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_RECORDING_INVALID', message, { exitCode: 2 })
}
