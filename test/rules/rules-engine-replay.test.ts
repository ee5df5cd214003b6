import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { DeviceRecord } from '../../domain/device.ts'
import { hash32, randomAt } from '../../lib/prng.ts'
import { minute, Site } from './engine.ts'
import { type Given, ruleOf } from './evaluation.ts'
import { mixedDevices, mixedRules } from './mixed-rules.ts'

const rounds = 40
const all = { entriesMax: 1e6, bytesMax: 1e9 }
const seeds = ['first', 'second', String(Date.now())]

/**
 * The wall clock stands in both runs, and each record says when it came, so that when it was evaluated is all that differs. No two
 * readings of a device have one time, and no limit ends at the time of one: there it is up to which comes first, the clock or the
 * reading (docs/RULES.md, "absence").
 */
test.each(seeds)(
  'after random readings, kills and edits of words all that is kept is as of one run over the same log: %s',
  async (seed) => {
    const random = numbersOf(seed)
    const devices = mixedDevices(6)
    const lived = await Site.open(mixedRules, devices, 0)
    for (let round = 0; round < rounds; round++) {
      const readings = readingsOf(devices, round, random)
      await lived.appendAt(round * minute, ...readings)
      const what = random()
      if (what < 0.4) {
        if (what < 0.2) await editWords(lived, Math.floor(random() * mixedRules.length), round)
        for (let turns = Math.floor(random() * 6); turns > 0; turns--) await setImmediate()
        await lived.kill()
        lived.start()
      } else if (what < 0.6) await lived.restart()
      else if (what < 0.8) await lived.caughtUp()
    }
    const replayed = await replayOf(lived, devices)
    for (const site of [lived, replayed]) {
      await site.caughtUp()
      await site.caughtUpWithChanges()
    }
    expect(lived.kept()).toEqual(replayed.kept())
    expect(alarmsOf(lived)).toEqual(alarmsOf(replayed))
    expect(eventsOf(lived)).toEqual(eventsOf(replayed))
    // Nothing is told twice, and there is something to be told of.
    expect(new Set(lived.events.map(({ id }) => id)).size).toBe(lived.events.length)
    expect(new Set(lived.events.map(({ data }) => data.rule)).size).toBeGreaterThan(5)
  },
  60_000,
)

/** A fresh engine over the same readings, with the rules as they are at the end. */
async function replayOf(lived: Site, devices: readonly DeviceRecord[]): Promise<Site> {
  const site = await Site.open([], devices, 0)
  await site.stop()
  await site.log.transaction((tx) => {
    for (const [id, rule] of lived.log.entries('rules')) tx.put('rules', id, rule)
    for (const { value, count } of lived.log.read('readings', 0, all)) tx.append('readings', value, count)
  })
  site.start()
  return site
}

function numbersOf(seed: string): () => number {
  const hash = hash32(seed)
  let at = 0
  return () => randomAt(hash, at++)
}

/** Of most devices one reading, of another time in the last minutes: some are late, some wait for others. */
function readingsOf(devices: readonly DeviceRecord[], round: number, random: () => number): Given[] {
  const readings: Given[] = []
  for (const { id } of devices) {
    if (random() < 0.15) continue
    const lateMinutes = random() < 0.3 ? Math.floor(random() * 8) : 0
    readings.push({
      device: id,
      ts: Math.max(0, round - lateMinutes) * minute + round * 10 + Math.floor(random() * 10),
      values: {
        ...(random() < 0.9 ? { temperature_c: Math.round(65 + 45 * random()) / 10 } : {}),
        ...(random() < 0.2 ? { door_open: random() < 0.5 } : {}),
        other: round,
      },
    })
  }
  return readings
}

async function editWords(site: Site, index: number, round: number): Promise<void> {
  const rule = mixedRules[index]!
  await site.rules.replace(rule.id, ruleOf({ ...rule, message: `worded in round ${round}` }), '*')
}

/** Without words and version: an alarm has those of when it was told of. */
function alarmsOf(site: Site) {
  return site.log
    .entries<Record<string, unknown>>('alarms')
    .map(([key, { message: _, ruleVersion: __, ...alarm }]) => [key, alarm])
}

/** In order of time: where one group of readings holds several devices, silences are found in another order. */
function eventsOf(site: Site) {
  return site.events
    .map(({ id: _, data: { message: __, ruleVersion: ___, ...data }, ...event }) => ({ ...event, data }))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

function keyOf(event: { source: string; subject: string; time: string; type: string }): string {
  return [event.time, event.source, event.subject, event.type].join(' ')
}
