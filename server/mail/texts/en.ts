import type { MailFacts, MailText, MailTexts } from './mail-text.ts'

const plural = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'}`

function details({ at, device, network }: MailFacts): MailText['details'] {
  return [
    { label: 'When', value: at },
    ...(device === '' ? [] : [{ label: 'Device', value: device }]),
    ...(network === '' ? [] : [{ label: 'Network', value: network }]),
  ]
}

const NOT_YOU = 'If this was not you, sign in, change your password and sign out of all other devices.'
const LOST = 'If this was not you, ask an administrator for help: somebody else may be using your account.'

/** A notice: what happened, its details, and the way to the account. */
function notice(facts: MailFacts, what: { subject: string; lead: string; footnote: string }): MailText {
  return {
    subject: `${what.subject} · ${facts.site}`,
    paragraphs: [what.lead],
    action: { label: 'Review your account', href: facts.href },
    details: details(facts),
    footnote: what.footnote,
  }
}

export const en: MailTexts = {
  kinds: {
    reset: facts => ({
      subject: `Set a new password · ${facts.site}`,
      paragraphs: [
        `Somebody asked for a new password for your account ${facts.address} at ${facts.site}.`,
        `This link sets one. It works once, for ${facts.life}.`,
      ],
      action: { label: 'Set a new password', href: facts.href },
      details: details(facts),
      footnote: 'If you did not ask for this, ignore this mail. Your password stays as it is.',
    }),
    reset_elsewhere: facts => ({
      subject: `Signing in to ${facts.site}`,
      paragraphs: [
        `Somebody asked for a new password for your account ${facts.address} at ${facts.site}.`,
        'Your account has no password: you sign in through another service. Choose it on the sign-in page.',
      ],
      action: { label: 'Sign in', href: facts.href },
      details: details(facts),
      footnote: 'If you did not ask for this, ignore this mail.',
    }),
    invitation: facts => ({
      subject: `You are invited to ${facts.site}`,
      paragraphs: [
        facts.by === ''
          ? `You have been invited to ${facts.site} (${facts.host}).`
          : `${facts.by} invites you to ${facts.site} (${facts.host}).`,
        `Create your account with this link. It works once, for ${facts.life}.`,
      ],
      action: { label: 'Create your account', href: facts.href },
      details: [],
      footnote: 'If you did not expect this invitation, ignore this mail.',
    }),
    email_verify: facts => ({
      subject: `Confirm your address · ${facts.site}`,
      paragraphs: [
        `Is ${facts.address} the address of your account at ${facts.site}?`,
        `Confirm it with this link, in a browser where you are signed in. It works once, for ${facts.life}.`,
      ],
      action: { label: 'Confirm address', href: facts.href },
      details: [],
      footnote: `If you have no account at ${facts.host}, ignore this mail.`,
    }),
    email_change: facts => ({
      subject: `Confirm your new address · ${facts.site}`,
      paragraphs: [
        `Your account at ${facts.site} is to have the address ${facts.address}. Until you confirm it, nothing changes.`,
        `Confirm it with this link, in a browser where you are signed in. It works once, for ${facts.life}.`,
      ],
      action: { label: 'Confirm address', href: facts.href },
      details: details(facts),
      footnote: `If you did not ask for this, ignore this mail.`,
    }),
    email_in_use: facts => ({
      subject: `Your address at ${facts.site}`,
      paragraphs: [
        `Somebody wanted to use ${facts.address} for another account at ${facts.site}.`,
        'The address belongs to your account, so nothing was changed. If it was you, sign in to that account instead.',
      ],
      action: { label: 'Sign in', href: facts.href },
      details: details(facts),
      footnote: 'If this was not you, there is nothing you need to do.',
    }),
    email_changed: facts => ({
      subject: `Your address was changed · ${facts.site}`,
      paragraphs: [
        `Your account at ${facts.site} has a new e-mail address. It no longer uses ${facts.address}.`,
        `If this was not you, take your account back with this link. It works once, for ${facts.life}: it restores this address, signs out all devices and lets you choose a new password.`,
      ],
      action: { label: 'Restore my address', href: facts.href },
      details: details(facts),
      footnote: 'If you changed your address yourself, ignore this mail.',
    }),
    email_replaced: facts =>
      notice(facts, {
        subject: 'Your address was changed',
        lead: `Your account at ${facts.site} has a new e-mail address. It no longer uses ${facts.address}, which was never confirmed.`,
        footnote: LOST,
      }),
    email_restored: facts =>
      notice(facts, {
        subject: 'Your address was removed',
        lead: `Your account at ${facts.site} no longer uses ${facts.address}: its earlier address was restored by a link that was mailed there. All devices have been signed out.`,
        footnote: LOST,
      }),
    test: facts => ({
      subject: `Test · ${facts.site}`,
      paragraphs: [`${facts.site} (${facts.host}) can send mail.`],
      action: null,
      details: [],
      footnote: 'An operator of the site sent this mail to check its settings.',
    }),
    new_device: facts =>
      notice(facts, {
        subject: 'New sign-in to your account',
        lead: `Your account ${facts.address} was signed in to from a device that has not been used before.`,
        footnote: NOT_YOU,
      }),
    refresh_reuse: facts =>
      notice(facts, {
        subject: 'A copied session was stopped',
        lead: `A session of your account ${facts.address} was used from two places, as happens when somebody copies a browser's cookies. It has been signed out everywhere.`,
        footnote: 'Sign in again, change your password and check the device for malicious software.',
      }),
    password_changed: facts =>
      notice(facts, {
        subject: 'Your password was changed',
        lead: `The password of your account ${facts.address} was changed. All other devices have been signed out.`,
        footnote: LOST,
      }),
    password_reset: facts =>
      notice(facts, {
        subject: 'Your password was replaced',
        lead: facts.byAdministrator
          ? `An administrator set a new password for your account ${facts.address}. All devices have been signed out.`
          : `A new password was set for your account ${facts.address} by a one-time link. All devices have been signed out.`,
        footnote: LOST,
      }),
    password_locked: facts =>
      notice(facts, {
        subject: 'Your password is locked',
        lead: `There have been too many failed attempts to sign in to your account ${facts.address}. Its password works only in browsers that you have used before, until you set a new one.`,
        footnote: 'If this was not you, set a new password that you use nowhere else.',
      }),
    identity_linked: facts =>
      notice(facts, {
        subject: 'A sign-in method was added',
        lead: `An account at another service can now sign in to your account ${facts.address}.`,
        footnote: NOT_YOU,
      }),
    identity_unlinked: facts =>
      notice(facts, {
        subject: 'A sign-in method was removed',
        lead: `An account at another service can no longer sign in to your account ${facts.address}.`,
        footnote: NOT_YOU,
      }),
    totp_added: facts =>
      notice(facts, {
        subject: 'An authenticator app was added',
        lead: `An authenticator app was set up for your account ${facts.address}. Signing in with your password now asks for a code as well.`,
        footnote: NOT_YOU,
      }),
    totp_removed: facts =>
      notice(facts, {
        subject: 'Your authenticator app was removed',
        lead: `The codes of your authenticator app no longer sign in to your account ${facts.address}.`,
        footnote: NOT_YOU,
      }),
    passkey_added: facts =>
      notice(facts, {
        subject: 'A passkey was added',
        lead: `A new passkey can sign in to your account ${facts.address}.`,
        footnote: NOT_YOU,
      }),
    passkey_removed: facts =>
      notice(facts, {
        subject: 'A passkey was removed',
        lead: `A passkey can no longer sign in to your account ${facts.address}.`,
        footnote: NOT_YOU,
      }),
    passkey_copied: facts =>
      notice(facts, {
        subject: 'A passkey was refused',
        lead: `A passkey of your account ${facts.address} was refused, because it seems to exist twice: its counter went back. Remove it, and add a new one.`,
        footnote: NOT_YOU,
      }),
    recovery_codes_made: facts =>
      notice(facts, {
        subject: 'You have new recovery codes',
        lead: `New recovery codes were created for your account ${facts.address}. Earlier ones no longer work.`,
        footnote: NOT_YOU,
      }),
    recovery_code_used: facts =>
      notice(facts, {
        subject: 'A recovery code was used',
        lead: `One of your recovery codes was used to sign in to your account ${facts.address}. It does not work again.`,
        footnote: NOT_YOU,
      }),
    recovery_codes_low: facts =>
      notice(facts, {
        subject: 'A recovery code was used; few are left',
        lead: `One of your recovery codes was used to sign in to your account ${facts.address}. Few are left: create new ones, and keep them in a safe place.`,
        footnote: NOT_YOU,
      }),
    factors_reset: facts =>
      notice(facts, {
        subject: 'Your second factor was removed',
        lead: `An administrator removed the authenticator app, passkeys and recovery codes of your account ${facts.address}. Signing in asks for your password only, until you set up a second factor again.`,
        footnote: 'If you did not ask for this, set up a second factor now, and ask an administrator why.',
      }),
    second_factor_locked: facts =>
      notice(facts, {
        subject: 'Codes no longer work',
        lead: `Somebody who knows the password of your account ${facts.address} has entered too many wrong codes. Codes of your authenticator app no longer sign in.`,
        footnote:
          'Sign in with a passkey or a recovery code, which ends this. If it was not you, change your password: somebody else knows it.',
      }),
    account_disabled: facts => ({
      ...notice(facts, {
        subject: 'Your account was disabled',
        lead: `An administrator disabled your account ${facts.address}. All devices have been signed out.`,
        footnote: 'If you think that this is a mistake, ask an administrator.',
      }),
      // Whoever reads it cannot sign in.
      action: null,
    }),
    account_enabled: facts =>
      notice(facts, {
        subject: 'Your account is active again',
        lead: `An administrator enabled your account ${facts.address}. You can sign in again.`,
        footnote: 'If you no longer need the account, ask an administrator to disable it.',
      }),
  },
  linkBelow: 'If the button does not work, open this address:',
  minutes: count => plural(count, 'minute'),
  days: count => plural(count, 'day'),
  device: (browser, system) => [browser, system].filter(part => part !== null).join(' on '),
  unknown: 'unknown device',
}
