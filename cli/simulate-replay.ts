import { Command, InvalidArgumentError, Option } from 'commander'
import { isDeviceId } from '../domain/names.ts'
import { replay } from '../simulators/replay.ts'
import { loadReplayMap } from '../simulators/replay-map.ts'
import { client } from './connection.ts'
import { type Connection, rateHint, speedOrMax, withConnection } from './simulate-options.ts'
import { interruptible, progressLine, report } from './terminal.ts'

/** `tidemark simulate replay` */
export function replayCommand(): Command {
  return withConnection(new Command('replay'))
    .description('play a recording (CSV) through MQTT at QoS 1')
    .argument('<file>', 'CSV file with a header')
    .requiredOption('--map <file>', 'JSON file that maps its columns to metrics')
    .addOption(
      new Option('--speed <factor|max>', 'how much faster than recorded')
        .argParser(speedOrMax)
        .default(Number.POSITIVE_INFINITY, 'max'),
    )
    .option('--device <id>', 'device id instead of the map’s', deviceId)
    .option('--ledger <file>', 'append a line for each acknowledged message')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ tidemark simulate replay house.csv --map simulators/maps/household-power.json --ledger house.ndjson\n' +
        '  $ tidemark simulate replay room.csv --map simulators/maps/room-occupancy.json --speed 600\n\n' +
        'A map names the device, its type, the column, format (Unicode tokens) and zone of the time, and the column of\n' +
        'each metric with an optional scale. An empty cell is no value. A local time that occurs twice when clocks go\n' +
        'back is the first unless the row before was later; one that is skipped is read by the offset before.\n' +
        rateHint,
    )
    .action(
      async (
        file: string,
        flags: Connection & { map: string; speed: number; device?: string; ledger?: string },
      ) => {
        const map = loadReplayMap(flags.map)
        const progress = progressLine()
        await interruptible(async (signal) => {
          const result = await replay({
            file,
            map: flags.device === undefined ? map : { ...map, device: flags.device },
            mqttUrl: flags.url,
            api: client(flags),
            speed: flags.speed,
            ledger: flags.ledger,
            signal,
            onProgress: (rows) => progress(`${rows} rows`),
          })
          report(result, flags.json)
          if (result.acknowledged < result.sent) process.exitCode = 1
        })
      },
    )
}

function deviceId(text: string): string {
  if (isDeviceId(text)) return text
  throw new InvalidArgumentError('expected a device id: letters, digits and _ . : -, at most 64')
}
