import { DAY } from '../base/clock.ts'
import type { MailRecord } from './mail-types.ts'
import type { AccountRecord } from './account-types.ts'
import type { CodeRecord, IdentityRecord, ProviderGrantRecord, SessionRecord } from './types.ts'

// Records for tests, each like any other of its kind but for its id and what `changes` says.

export const NOW = 1_800_000_000_000

/** By the command line, whose authority is never lost. */
export const ORIGIN = { at: NOW, byUserId: null, sessionId: null, userAgent: null, network: null }

/** It has no password unless `changes` says so. */
export function accountRecord(id: string, changes: Partial<AccountRecord> = {}): AccountRecord {
  return {
    id,
    email: `${id}@example.org`,
    emailKey: `${id}@example.org`,
    emailVerifiedAt: null,
    mailRefusedAt: null,
    name: id,
    roles: ['user'],
    passwordSealed: null,
    passwordChangedAt: null,
    createdAt: 1,
    disabledAt: null,
    language: null,
    secondFactorAt: null,
    factorsChangedAt: null,
    ...changes,
  }
}

export function sessionRecord(publicId: string, changes: Partial<SessionRecord> = {}): SessionRecord {
  return {
    sidHash: `hash of ${publicId}`,
    publicId,
    secret: Buffer.alloc(32, 7),
    userId: 'ann',
    createdAt: NOW,
    authTime: NOW,
    amr: ['pwd'],
    remember: true,
    idleMs: 7 * DAY,
    tagKeyId: 'k',
    boundKey: null,
    generation: 1,
    proven: 1,
    provenAt: NOW,
    rotatedAt: NOW,
    lastSeenAt: NOW,
    absoluteEndsAt: NOW + 30 * DAY,
    endedAt: null,
    endReason: null,
    userAgent: 'UA',
    network: '192.0.2.1',
    ...changes,
  }
}

export function codeRecord(kind: CodeRecord['kind'], codeHash: string, changes: Partial<CodeRecord> = {}): CodeRecord {
  return {
    id: `id-${codeHash}`,
    codeHash,
    kind,
    userId: null,
    email: null,
    address: null,
    roles: ['user'],
    byUserId: null,
    bySessionId: null,
    createdAt: NOW,
    endsAt: NOW + DAY,
    usedAt: null,
    ...changes,
  }
}

/** Of the account `ann`, whose subject at the provider is `ann` too. */
export function identityRecord(id: string, changes: Partial<IdentityRecord> = {}): IdentityRecord {
  return {
    id,
    userId: 'ann',
    provider: 'main',
    issuer: 'https://id.example',
    subject: 'ann',
    email: null,
    emailVerified: false,
    label: 'Ann',
    linkedIn: null,
    createdAt: NOW,
    lastUsedAt: NOW,
    ...changes,
  }
}

export function grantRecord(id: string, changes: Partial<ProviderGrantRecord> = {}): ProviderGrantRecord {
  return {
    id,
    sessionId: `session of ${id}`,
    userId: 'ann',
    provider: 'main',
    issuer: 'https://id.example',
    subject: 'ann',
    providerSid: null,
    origin: 'sign_in',
    sealed: null,
    accessEndsAt: null,
    refreshingAt: null,
    refreshes: 0,
    createdAt: NOW,
    idTokenAlg: null,
    recheckAt: null,
    endedAt: null,
    ...changes,
  }
}

export function mailRecord(id: string, changes: Partial<MailRecord> = {}): MailRecord {
  return {
    id,
    kind: 'reset',
    userId: 'ann',
    address: 'ann@example.org',
    addressKey: 'ann@example.org',
    language: null,
    sealed: null,
    codeHash: null,
    byUserId: null,
    userAgent: null,
    network: null,
    createdAt: NOW,
    nextAt: NOW,
    attempts: 0,
    doubts: 0,
    startedAt: null,
    endedAt: null,
    outcome: null,
    ...changes,
  }
}
