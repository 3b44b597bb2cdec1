/**
 * Every `event` that a log line may carry. Names are stable, because alerts, fail2ban and SIEMs rely on them; a test
 * checks that docs/guides/log-events.md lists exactly these.
 */
const ATTEMPTS = ['sign_in', 'reauthentication', 'registration', 'password_reset', 'identity_link'] as const

/** What a client attempts in order to gain access. */
export type Attempt = (typeof ATTEMPTS)[number]
/** `failed`: the credentials were wrong · `denied`: not allowed, or not now · `error`: the attempt could not be decided. */
export type AttemptEvent = `${Attempt}_${'failed' | 'denied' | 'error'}`

const ATTEMPT_EVENTS = ATTEMPTS.flatMap((attempt): AttemptEvent[] => [
  `${attempt}_failed`,
  `${attempt}_denied`,
  `${attempt}_error`,
])

/** The events of the security log. Each has an outcome and, where known, the account, method and network. */
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

/** Other events that operators need to know about. */
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
