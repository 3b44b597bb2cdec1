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
  'server_listening',
  'public_plain_http',
  'test_sign_in_enabled',
  'setting_renamed',
  'brand_accent_adapted',
  'server_stopping',
  'requests_cut_off',
  'stop_timed_out',
  'stop_failed',
  'shutdown_write_failed',
  'uncaught_error',
  'console_written',
  'node_warning',
  'request_completed',
  'request_failed',
  'header_unsendable',
  'page_failed',
  'site_load_failed',
  'dev_site_failed',
  'dev_site_outdated',
  'sample_request_failed',
  'address_skipped',
  'proxy_not_trusted',
  'proxy_protocol_received',
  'upstream_certificate_expires',
  'upstream_plain_http',
  'upstream_refused_token',
  'stream_judgement_failed',
  'stream_session_check_failed',
  'session_refresh_not_stored',
  'session_refresh_rejected',
  'session_activity_not_stored',
  'session_limit_not_applied',
  'password_attempts_not_reset',
  'password_rehash_failed',
  'password_key_missing',
  'last_admin_kept',
  'keys_rotated',
  'keys_replaced',
  'root_keys_retired',
  'signing_key_made',
  'signing_key_rotated',
  'signing_key_temporary',
  'signing_keys_lost',
  'signing_keys_retired',
  'key_file_exposed',
  'key_file_outdated',
  'database_migrated',
  'database_rolled_back',
  'database_damaged',
  'integrity_check_failed',
  'backup_written',
  'housekeeping_finished',
  'housekeeping_failed',
  'clock_jumped',
  'control_socket_unavailable',
  'control_command_failed',
  'identities_moved',
  'identities_not_moved',
  'provider_call_failed',
  'provider_discovery_failed',
  'provider_discovery_recovered',
  'provider_sign_in_failed',
  'provider_user_info_skipped',
  'provider_refresh_failed',
  'provider_refresh_in_doubt',
  'provider_tokens_not_stored',
  'provider_tokens_unreadable',
  'provider_revocation_failed',
  'provider_exchange_failed',
  'provider_grant_ended',
  'provider_id_token_ignored',
  'provider_roles_missing',
  'provider_roles_unknown',
  'provider_standing_failed',
  'provider_not_admitted',
  'provider_logout_received',
  'provider_logout_rejected',
  'provider_logout_failed',
] as const satisfies readonly string[]

export type SecurityEvent = (typeof SECURITY_EVENTS)[number]
export type LogEvent = SecurityEvent | (typeof OPERATION_EVENTS)[number]
