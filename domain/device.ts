/** A device as people see it: what `GET /devices/{id}` answers, without the connection state. */
export interface Device {
  readonly id: string
  readonly type: string
  readonly labels: Readonly<Record<string, string>>
  /** RFC 3339, UTC. */
  readonly createdAt: string
}

/** A device as it is kept: the secret only as its SHA-256 (secrets are random 128 bits, so no slow hash is needed). */
export interface DeviceRecord extends Device {
  /** Hex SHA-256 of the device's secret. */
  readonly secretHash: string
}
