/** What each operation does, in a sentence, by the same names as `answers`; `/openapi.json`, `/docs` and docs/API.md show it. */
export const summaries: Readonly<Record<string, string>> = {
  'POST /api/v1/devices': 'Registers a device. Its secret is in this answer and nowhere else.',
  'GET /api/v1/devices':
    'Devices in order of their ids. `label.site=berlin` selects by a label; several must all fit.',
  'GET /api/v1/devices/{id}': 'One device.',
  'PATCH /api/v1/devices/{id}': 'Changes type or labels; `labels` replaces all of them.',
  'DELETE /api/v1/devices/{id}':
    'Removes a device and disconnects it; with `purge=data` all that it has said too.',
  'POST /api/v1/devices/{id}/credentials':
    'Makes a new secret, shown once; the old one ends at once, and the connection with it.',
  'GET /api/v1/devices/{id}/latest': 'The newest value of each metric, by the time of the reading.',
  'GET /api/v1/devices/{id}/connect':
    'How this device connects, and lines that publish for it: `mosquitto_pub`, Node, Python.',
  'POST /api/v1/devices/{id}/commands':
    'Sends a command to a device, which gets it once it has subscribed, until it ends.',
  'GET /api/v1/devices/{id}/commands': 'Commands to a device, newest first, with what became of them.',
  'GET /api/v1/devices/{id}/commands/{commandId}': 'One command.',
  'DELETE /api/v1/devices/{id}/commands/{commandId}': 'Cancels a command that has not been answered.',
  'POST /api/v1/devices:import':
    'Registers or updates devices: NDJSON in (`application/x-ndjson`, a line as the body of `POST /devices`), NDJSON out (`{"id","status":"created|updated|failed","credentials"?,"error"?}`).',
  'GET /api/v1/profiles': 'Profiles of device types, those that ship among them.',
  'GET /api/v1/profiles/{type}': 'The profile of a device type.',
  'PUT /api/v1/profiles/{type}': 'Makes or replaces a profile; the body is one, its `type` may be left out.',
  'DELETE /api/v1/profiles/{type}': 'Removes a profile of your own; one that ships cannot be deleted.',
  'POST /api/v1/rules': 'Makes a rule; answers with its `ETag`.',
  'GET /api/v1/rules': 'Rules in order of their ids.',
  'GET /api/v1/rules/{id}': 'One rule, with its version as `ETag`.',
  'PUT /api/v1/rules/{id}': 'Replaces a rule. Needs `If-Match`.',
  'PATCH /api/v1/rules/{id}': 'Changes fields of a rule by a merge patch (RFC 7396). Needs `If-Match`.',
  'DELETE /api/v1/rules/{id}': 'Deletes a rule and ends its alarms. Needs `If-Match`.',
  'GET /api/v1/rules/{id}/versions': 'Every version of a rule, the newest first.',
  'POST /api/v1/rules/{id}:enable': 'Lets a rule be evaluated again.',
  'POST /api/v1/rules/{id}:disable': 'Stops the evaluation of a rule and ends its alarms.',
  'GET /api/v1/rule-packs': 'Packs of rules that ship, with the ids of their rules.',
  'GET /api/v1/rule-packs/{name}': 'A pack: its rules, and the source of each limit.',
  'POST /api/v1/rules:install':
    'Puts all rules of a pack among the others, or none; leaves alone what was edited since, unless `replace`.',
  'POST /api/v1/rules:validate':
    'Checks a rule (alone or under `rule`) or a set (under `rules`) and keeps nothing.',
  'POST /api/v1/rules:apply': 'Makes the rules those of the body, all or nothing.',
  'GET /api/v1/rules:export': 'All rules as one set, as `:apply` takes it.',
  'POST /api/v1/rules:test':
    'Tries a rule on stored readings (`from`, `to`) or on `samples`, and answers what it would have raised.',
  'GET /api/v1/readings':
    'Readings of a device, oldest first: raw, or with `every` a value for each window that has any.',
  'GET /api/v1/readings:export':
    'Readings of all devices, of a type, or of those named, in order of time and then of device.',
  'GET /api/v1/analytics/series': 'Live aggregates by minute over the last day; `by` groups by a label.',
  'GET /api/v1/analytics/top': 'Devices with the largest newest values.',
  'GET /api/v1/analytics/stream':
    'The same minutes as server-sent events, each whole whenever it has changed.',
  'GET /api/v1/events': 'Events, oldest first: the newest 100,000 are kept.',
  'GET /api/v1/events/stream':
    'Events as server-sent events; the `id` is the sequence. `Last-Event-ID` goes before `after`.',
  'GET /api/v1/alarms': 'Alarms that are up, or normal and not yet acknowledged.',
  'GET /api/v1/alarms/{id}': 'One of these alarms.',
  'POST /api/v1/alarms/{id}:ack': 'Acknowledges an alarm; the body may be left out.',
  'POST /api/v1/alarms/{id}:clear':
    'Asks the rules to end an alarm; it is raised again when its condition holds anew. The body may be left out.',
  'POST /api/v1/alarms/{id}:shelve':
    'Takes an alarm out of sight until a time, at most 30 days; `null` brings it back.',
  'POST /api/v1/alarms/{id}:comment': 'Adds a comment, up to 100 of them.',
  'GET /api/v1/alarms/{id}/history': 'Episodes of an alarm that are over, the newest first.',
  'GET /api/v1/alarm-history': 'Episodes of all alarms that are over, the newest first.',
  'POST /api/v1/maintenance-windows': 'Plans a time in which no event is raised for the devices selected.',
  'GET /api/v1/maintenance-windows': 'Maintenance windows, past ones included.',
  'GET /api/v1/maintenance-windows/{id}': 'One maintenance window.',
  'PUT /api/v1/maintenance-windows/{id}': 'Replaces a maintenance window.',
  'PATCH /api/v1/maintenance-windows/{id}': 'Changes fields of a maintenance window.',
  'DELETE /api/v1/maintenance-windows/{id}': 'Deletes a maintenance window.',
  'GET /api/v1/dead-letters': 'Messages that could not be stored, whole, with a reason.',
  'POST /api/v1/dead-letters:replay':
    'Sends dead letters through again as new messages, by ids or by reason.',
  'GET /api/v1/export':
    'What people have set up, as one document: profiles of their own, devices without secrets, rules.',
  'POST /api/v1/import':
    'Applies such a document, checked whole before; removes nothing. Secrets of new devices are in the answer.',
  'POST /api/v1/tokens': 'Makes an API token, shown in this answer and nowhere else.',
  'GET /api/v1/tokens': 'Tokens, without their secrets.',
  'GET /api/v1/tokens/self': 'The token that asks, without its secret.',
  'GET /api/v1/tokens/{id}': 'One token, without its secret.',
  'PATCH /api/v1/tokens/{id}': 'Changes name, role or expiry.',
  'DELETE /api/v1/tokens/{id}': 'Revokes a token.',
  'GET /api/v1/audit':
    'Who changed what and when, oldest first; the newest 100,000 entries are kept, and none can be changed or removed.',
  'POST /api/v1/webhooks': 'Makes a webhook; it begins with the next event. There are 32 at most.',
  'GET /api/v1/webhooks': 'Webhooks and how each is doing. Without role `admin`, `url` is the origin only.',
  'GET /api/v1/webhooks/{id}': 'One webhook and how it is doing.',
  'PUT /api/v1/webhooks/{id}': 'Replaces a webhook; without `secret` the one there is stays.',
  'PATCH /api/v1/webhooks/{id}': 'Changes fields of a webhook.',
  'DELETE /api/v1/webhooks/{id}': 'Deletes a webhook and what waits for it.',
  'POST /api/v1/webhooks:test':
    'Sends a test event, to a webhook (`id`) or to `url` and `secret`; answers how that went.',
  'GET /api/v1/webhooks/{id}/dead-deliveries':
    'Events that were given up for this webhook; the newest 1,000 are kept.',
  'POST /api/v1/webhooks/{id}/dead-deliveries:replay':
    'Sends up to 100 of them once more, oldest first, and stops at the first that fails.',
  'GET /api/v1/stats': 'Messages, devices, alarm figures (ISA-18.2), lags and the store, at one moment.',
  'POST /api/v1/backup-hold:stream':
    'Holds still what `tidemark backup` copies, as long as the connection stands: NDJSON of one line, then empty ones.',
  'DELETE /api/v1/backup-hold':
    'Ends the hold; 409 where it had ended before, so that the copy is not to be trusted.',
  'GET /api/v1/parts': 'Parts that can be restarted alone, and what each has yet to read.',
  'POST /api/v1/parts/{id}:restart':
    'Cuts a part off and starts it anew at its durable offset: `ingest storage rules analytics`.',
  'GET /metrics': 'Metrics in the Prometheus text format (docs/OPERATIONS.md).',
  'GET /livez': '200 while the process answers.',
  'GET /readyz': '200 while messages are acknowledged, also with the database away.',
}
