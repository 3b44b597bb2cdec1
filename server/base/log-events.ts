/**
 * Every `event` that a log line may carry. Names are stable: alarms, fail2ban and a SIEM rest on them.
 * docs/guides/log-events.md says what each means, and a test compares the two.
 */
const ATTEMPTS = ['sign_in', 'reauthentication', 'registration', 'password_reset', 'identity_link'] as const

/** What somebody tries in order to be let in. */
export type Attempt = (typeof ATTEMPTS)[number]
/** `failed`: they did not show who they are · `denied`: they may not, or not now · `error`: it could not be decided. */
export type AttemptEvent = `${Attempt}_${'failed' | 'denied' | 'error'}`

const ATTEMPT_EVENTS = ATTEMPTS.flatMap((attempt): AttemptEvent[] => [
  `${attempt}_failed`,
  `${attempt}_denied`,
  `${attempt}_error`,
])

/**
 * What the log of a site's security is made of: each has an outcome, and who, how and whence, as far as they are known.
 */
export const SECURITY_EVENTS = [
  ...ATTEMPT_EVENTS,
  'sign_in_succeeded',
  'reauthentication_succeeded',
  'access_denied',
  'session_ended',
  'password_locked',
  'password_changed',
  'password_reset',
  'account_created',
  'account_disabled',
  'account_enabled',
  'name_changed',
  'roles_changed',
  'identity_linked',
  'identity_unlinked',
  'code_created',
  'code_used',
  'code_revoked',
] as const satisfies readonly string[]

/** What operators need to know besides. */
export const OPERATION_EVENTS = [
  'proxy_not_trusted',
  'proxy_protocol_received',
  'keys_rotated',
  'keys_replaced',
  'signing_key_made',
  'signing_key_rotated',
  'signing_key_temporary',
  'signing_keys_lost',
  'key_file_exposed',
  'stop_timed_out',
  'setting_renamed',
  'header_unsendable',
  'upstream_plain_http',
  'stream_judgement_failed',
  'stream_session_check_failed',
  'identities_moved',
  'identities_not_moved',
  'provider_call_failed',
  'provider_discovery_failed',
  'provider_discovery_recovered',
  'provider_sign_in_failed',
  'provider_user_info_skipped',
  'provider_refresh_failed',
  'provider_grant_ended',
  'provider_id_token_ignored',
  'provider_roles_missing',
  'provider_roles_unknown',
  'provider_standing_failed',
  'provider_not_admitted',
  'last_admin_kept',
  'page_failed',
  'console_written',
  'node_warning',
] as const satisfies readonly string[]

export type SecurityEvent = (typeof SECURITY_EVENTS)[number]
export type LogEvent = SecurityEvent | (typeof OPERATION_EVENTS)[number]
