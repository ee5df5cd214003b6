import { Command } from 'commander'
import { benchCommand } from './simulate-bench.ts'
import { generateCommand } from './simulate-generate.ts'
import { listCommand } from './simulate-list.ts'
import { provisionCommand } from './simulate-provision.ts'
import { replayCommand } from './simulate-replay.ts'
import { runCommand } from './simulate-run.ts'
import { scoreCommand } from './simulate-score.ts'
import { verifyCommand } from './simulate-verify.ts'

/** `tidemark simulate …`: the device simulator. */
export function simulateCommand(): Command {
  return new Command('simulate')
    .description(
      'simulate devices, play recordings, put load on a broker, check what was stored, score what was told',
    )
    .addCommand(listCommand())
    .addCommand(runCommand())
    .addCommand(benchCommand())
    .addCommand(generateCommand())
    .addCommand(replayCommand())
    .addCommand(provisionCommand())
    .addCommand(verifyCommand())
    .addCommand(scoreCommand())
}
