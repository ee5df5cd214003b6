/** A device's connection came or went: an entry of the `connections` stream. */
export interface ConnectionChange {
  readonly device: string
  readonly online: boolean
  /** Unix ms of the platform's clock. */
  readonly at: number
}
