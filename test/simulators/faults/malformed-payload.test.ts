import { expect, test } from 'vitest'
import { shippedProfiles } from '../../../domain/shipped-profiles.ts'
import { BatchBuilder } from '../../../ingest/batch-builder.ts'
import { DeviceTrack, Normaliser } from '../../../ingest/normaliser.ts'
import { TypeRules } from '../../../ingest/type-rules.ts'
import { malformedPayload } from '../../../simulators/faults/malformed-payload.ts'
import { models } from '../../../simulators/models/models.ts'
import { startMs } from './some-fault.ts'

/** Enough draws to meet every way of being broken. */
const draws = Array.from({ length: 60 }, (_, i) => i / 60)

test.each(models.map((model) => [model.name, model] as const))(
  'the platform refuses each payload of a %s for the reason that it names, and takes the next reading',
  (_name, model) => {
    const values = model.create(1, 'a').valuesAt(startMs)
    const reading = { seq: 7, ts: startMs, values }
    const profile = shippedProfiles.find(({ type }) => type === model.type) ?? shippedProfiles.at(-1)!
    const builder = new BatchBuilder()
    const normaliser = new Normaliser()
    const device = {
      id: 'a',
      type: model.type,
      labels: {},
      createdAt: '2026-01-01T00:00:00Z',
      secretHash: '',
    }
    const track = new DeviceTrack(device, new TypeRules(profile, []))
    const refusal = (payload: string) => {
      const bytes = Buffer.from(payload)
      return normaliser.normalise(track, builder, bytes, 0, bytes.length, startMs)?.reason
    }
    const reasons = draws.map((draw) => {
      const { payload, reason } = malformedPayload(reading, draw)
      expect([payload, refusal(payload)]).toEqual([payload, reason])
      return reason
    })
    expect(new Set(reasons)).toEqual(
      new Set([
        'payload.not_json',
        'payload.wrong_shape',
        'payload.too_deep',
        'metric.bad_name',
        'value.wrong_type',
        'value.not_finite',
        'ts.invalid',
      ]),
    )
    expect(builder.rows).toBe(0)
    expect(refusal(JSON.stringify(reading))).toBeUndefined()
    expect(builder.rows).toBe(1)
  },
)
